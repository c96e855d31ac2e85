//! People on the road: each step moves those on duty towards their task, at the speed of a van, and gives the positions that their
//! telephones would report.

use super::World;
use super::places::TOWNS;
use super::subscribers::stream;
use crate::dice::Dice;
use chrono::TimeDelta;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::{TechnicianId, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// A task nearer than this is here.
const HERE_M: f64 = 100.0;
/// A standing telephone reports so often, seconds.
const STANDING_REPORT_S: (i64, i64) = (25, 55);

#[derive(Debug, Clone)]
pub(super) struct Mover {
    technician: usize,
    at: LatLng,
    /// The road ahead: bends, then the goal.
    road: VecDeque<LatLng>,
    speed_kmh: f64,
    heading_deg: Option<f64>,
    stays_until: Timestamp,
    next_report: Timestamp,
    dice: Dice,
}

impl PartialEq for Mover {
    fn eq(&self, other: &Self) -> bool {
        (self.technician, self.at, self.stays_until, self.next_report) == (other.technician, other.at, other.stays_until, other.next_report)
            && self.road == other.road
    }
}

impl Mover {
    /// Everybody who is on duty; the others report nothing.
    pub fn all(world: &World) -> Vec<Self> {
        let on_duty = |s| matches!(s, TechnicianStatus::Available | TechnicianStatus::OnJob | TechnicianStatus::OnBreak);
        let people = world.technicians.iter().enumerate().filter(|(_, t)| on_duty(t.status));
        people
            .filter_map(|(technician, t)| {
                let at = t.fix.map(|f| f.at).or(t.home_base)?;
                let dice = Dice::of(world.config.seed, stream::MOVER, technician as u64);
                let mut mover = Self {
                    technician,
                    at,
                    road: VecDeque::new(),
                    speed_kmh: 0.0,
                    heading_deg: None,
                    stays_until: world.clock,
                    next_report: world.clock,
                    dice,
                };
                if t.status == TechnicianStatus::OnBreak {
                    mover.stays_until = world.clock + TimeDelta::minutes(mover.dice.between(5, 40));
                } else if let Some(goal) = goal(world, technician) {
                    mover.set_out(goal);
                }
                Some(mover)
            })
            .collect()
    }

    fn set_out(&mut self, goal: LatLng) {
        let distance = self.at.distance_m(goal);
        // Between towns the road is faster; it never is a straight line.
        self.speed_kmh = if distance > 8000.0 { self.dice.float(68.0, 96.0) } else { self.dice.float(24.0, 48.0) };
        self.road.clear();
        if distance > 400.0 {
            let aside = self.dice.float(-0.18, 0.18);
            let (dlat, dlng) = (goal.lat - self.at.lat, goal.lng - self.at.lng);
            // Degrees of longitude are half as long here: turn by that.
            let bend = LatLng { lat: self.at.lat + dlat * 0.5 - dlng * 0.5 * aside, lng: self.at.lng + dlng * 0.5 + dlat * 2.0 * aside };
            self.road.push_back(bend);
        }
        self.road.push_back(goal);
    }

    /// Moves by `seconds`; true while on the road.
    fn drive(&mut self, seconds: f64) -> bool {
        let pace = self.dice.float(0.85, 1.1);
        let mut left = self.speed_kmh * pace / 3.6 * seconds;
        let driving = !self.road.is_empty();
        while let Some(next) = self.road.front().copied() {
            let distance = self.at.distance_m(next);
            if distance > left {
                self.heading_deg = Some(bearing(self.at, next));
                let part = left / distance;
                self.at = LatLng { lat: self.at.lat + (next.lat - self.at.lat) * part, lng: self.at.lng + (next.lng - self.at.lng) * part };
                break;
            }
            self.at = next;
            left -= distance;
            self.road.pop_front();
        }
        driving
    }
}

/// Where somebody goes next: the task in progress, else one that is assigned.
fn goal(world: &World, technician: usize) -> Option<LatLng> {
    let id = world.technicians.get(technician)?.id;
    let of = |status| world.tasks.iter().find(|t| t.technician == Some(id) && t.status == status).and_then(|t| t.position);
    of(TaskStatus::InProgress).or_else(|| of(TaskStatus::Assigned))
}

fn bearing(from: LatLng, to: LatLng) -> f64 {
    let (a, b, d) = (from.lat.to_radians(), to.lat.to_radians(), (to.lng - from.lng).to_radians());
    let angle = (d.sin() * b.cos()).atan2(a.cos() * b.sin() - a.sin() * b.cos() * d.cos()).to_degrees();
    (angle.rem_euclid(360.0) * 10.0).round() / 10.0
}

impl World {
    /// Time goes on by `dt`. Gives a position for everybody on the road, and now and then for those who stand; the fixes of
    /// `technicians` follow. The same steps give the same positions.
    pub fn step(&mut self, dt: Duration) -> Vec<(TechnicianId, Fix)> {
        self.clock += TimeDelta::from_std(dt).unwrap_or_default();
        let now = self.clock;
        let mut movers = std::mem::take(&mut self.movers);
        let mut out = Vec::new();
        for mover in &mut movers {
            if mover.road.is_empty() && now >= mover.stays_until {
                self.next_goal(mover, now);
            }
            let driving = mover.drive(dt.as_secs_f64());
            if driving && mover.road.is_empty() {
                // Arrived: the work takes a while.
                mover.stays_until = now + TimeDelta::minutes(mover.dice.between(8, 35));
            }
            let moving = !mover.road.is_empty();
            if !driving && now < mover.next_report {
                continue;
            }
            mover.next_report = now + TimeDelta::seconds(mover.dice.between(STANDING_REPORT_S.0, STANDING_REPORT_S.1));
            let fix = Fix {
                at: mover.at,
                accuracy_m: Some(mover.dice.float(3.0, 22.0).round()),
                speed_kmh: Some(if moving { (mover.speed_kmh * 10.0).round() / 10.0 } else { 0.0 }),
                heading_deg: mover.heading_deg.filter(|_| moving),
                device_time: now,
            };
            if let Some(technician) = self.technicians.get_mut(mover.technician) {
                technician.fix = Some(fix);
                out.push((technician.id, fix));
            }
        }
        self.movers = movers;
        out
    }

    /// After the stay: to the task if that is elsewhere, else about the town.
    fn next_goal(&self, mover: &mut Mover, now: Timestamp) {
        let goal = goal(self, mover.technician).filter(|g| g.distance_m(mover.at) > HERE_M);
        let town = TOWNS.iter().min_by(|a, b| a.centre().distance_m(mover.at).total_cmp(&b.centre().distance_m(mover.at)));
        let goal = goal.or_else(|| town.map(|t| t.place(&mut mover.dice)));
        match goal {
            Some(goal) => mover.set_out(goal),
            None => mover.stays_until = now + TimeDelta::minutes(10),
        }
    }

    /// Where `step` has come to.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }
}
