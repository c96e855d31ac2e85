//! Towns, from the list that the binary carries. Lines that are not well formed are left out; a test holds that there are none.

use super::project::{WorldPoint, project};
use noctule_domain::{SafeText, geo::LatLng};
use std::sync::LazyLock;

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| read(include_str!("../../../assets/basemap/places.tsv")));

/// From which zoom on a class is shown: metropolis, large city, city, town, small town.
const SHOWN_FROM: [f64; 5] = [-2.0, 1.0, 2.5, 4.0, 5.25];

#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub name: SafeText,
    pub at: WorldPoint,
    /// 1 is the largest.
    pub class: u8,
}

/// Largest first; within a class in the order of the list.
pub fn places() -> &'static [Place] {
    &PLACES
}

pub fn is_shown(class: u8, zoom: f64) -> bool {
    SHOWN_FROM.get(usize::from(class).saturating_sub(1)).is_some_and(|from| zoom >= *from)
}

fn read(text: &str) -> Vec<Place> {
    let mut places: Vec<Place> = text.lines().filter(|line| !line.starts_with('#')).filter_map(place).collect();
    places.sort_by_key(|place| place.class);
    places
}

fn place(line: &str) -> Option<Place> {
    let mut fields = line.split('\t');
    let name = SafeText::new(fields.next()?);
    let (lat, lng) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let class: u8 = fields.next()?.parse().ok()?;
    (1..=5).contains(&class).then_some(())?;
    Some(Place { name, at: project(LatLng::new(lat, lng)?)?, class })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_a_place_and_no_name_comes_twice() {
        let text = include_str!("../../../assets/basemap/places.tsv");
        assert_eq!(places().len(), text.lines().count() - 1);
        let mut names: Vec<&str> = places().iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), places().len());
    }

    #[test]
    fn broken_lines_are_left_out() {
        let text = "# c\nA\t1\t2\t3\nB\tx\t2\t3\nC\t1\t2\nD\t91\t0\t1\nE\t1\t2\t6\n\nF\t1\t2\t1";
        let names: Vec<String> = read(text).iter().map(|p| p.name.to_string()).collect();
        assert_eq!(names, ["F", "A"]);
    }
}
