//! What happens when the view moves, and what is hit.

use super::*;
use noctule_domain::technician::FixAge;
use ratatui::layout::Position;

const SCREEN: Rect = Rect { x: 3, y: 2, width: 80, height: 22 };

fn many() -> Vec<Mark> {
    (0..60u128)
        .map(|i| {
            let at = ll(59.9 + (i * 37 % 60) as f64 * 0.025, 22.5 + (i * 53 % 60) as f64 * 0.07);
            tech(i, at, &format!("Tech {i}"))
        })
        .collect()
}

#[test]
fn a_pan_by_one_cell_moves_everything_by_exactly_one_cell() {
    let technicians = many();
    let data = MapData { technicians: &technicians, ..MapData::default() };
    for (direction, dx, dy) in [(Direction::Right, 1i32, 0i32), (Direction::Down, 0, 1), (Direction::Left, -1, 0), (Direction::Up, 0, -1)] {
        let mut view = MapView::new(ll(60.63, 24.71), 5.2);
        let mut before = frame(SCREEN, &view, &data, Charset::Braille);
        for step in 0..12 {
            view.pan(direction, PanStep::Cell, SCREEN);
            let after = frame(SCREEN, &view, &data, Charset::Braille);
            // The last row holds the corners; names may end at an edge (the longest here is 14 cells).
            for y in SCREEN.top() + 2..SCREEN.bottom() - 3 {
                for x in SCREEN.left() + 16..SCREEN.right() - 16 {
                    let from = ((i32::from(x) + dx) as u16, (i32::from(y) + dy) as u16);
                    assert_eq!(after[(x, y)].symbol(), before[from].symbol(), "{direction:?} step {step} at {x},{y}");
                }
            }
            before = after;
        }
    }
}

#[test]
fn a_jump_is_a_quarter_of_the_screen_and_ends_following() {
    let mut view = MapView::new(ll(60.5, 24.5), 7.0);
    let marks = [tech(1, ll(60.5, 24.5), "A")];
    view.follow(Some(marks[0].id));
    let before = Viewport::new(&view, SCREEN).screen(marks[0].at).unwrap();
    view.pan(Direction::Right, PanStep::Quarter, SCREEN);
    view.pan(Direction::Down, PanStep::Quarter, SCREEN);
    let after = Viewport::new(&view, SCREEN).screen(marks[0].at).unwrap();
    assert_eq!((before.x - after.x, before.y - after.y), (20, 5));
    assert_eq!(view.followed(), None);
}

#[test]
fn panning_up_ends_at_the_pole_and_around_the_world_comes_back() {
    let mut view = MapView::new(ll(60.0, 24.0), 2.0);
    for _ in 0..100 {
        view.pan(Direction::Up, PanStep::Quarter, SCREEN);
    }
    assert!(view.centre().lat > 85.0 && view.centre().lat < 85.1);
    let mut view = MapView::new(ll(0.0, 179.0), 4.0);
    view.pan(Direction::Right, PanStep::Quarter, SCREEN);
    assert!(view.centre().lng < -170.0, "{:?}", view.centre());
}

#[test]
fn zoom_keeps_the_selection_where_it_is() {
    let keep = ll(60.6, 24.8);
    let mut view = MapView::new(ll(60.5, 24.5), 7.0);
    let before = Viewport::new(&view, SCREEN).screen(keep).unwrap();
    let metres = view.metres_per_dot();
    view.zoom_in(Some(keep));
    let after = Viewport::new(&view, SCREEN).screen(keep).unwrap();
    assert!(before.x.abs_diff(after.x) <= 1 && before.y.abs_diff(after.y) <= 1, "{before:?} {after:?}");
    assert!((metres / view.metres_per_dot() - 2.0).abs() < 0.05);
    view.zoom_out(Some(keep));
    assert!(view.centre().distance_m(ll(60.5, 24.5)) < 1.0);
    for _ in 0..50 {
        view.zoom_in(None);
    }
    assert_eq!(view.zoom(), 17.0);
}

#[test]
fn fit_shows_every_point_also_across_the_antimeridian() {
    for points in [
        vec![ll(60.17, 24.94), ll(65.01, 25.47), ll(60.45, 22.27)],
        vec![ll(-17.7, 178.0), ll(-16.8, -179.9), ll(-13.3, -176.2)],
        vec![ll(60.17, 24.94)],
    ] {
        let mut view = MapView::default();
        assert!(view.fit(points.iter().copied(), SCREEN));
        let viewport = Viewport::new(&view, SCREEN);
        for p in &points {
            let at = viewport.screen(*p).unwrap_or_else(|| panic!("{p:?} is not shown by {view:?}"));
            assert!(at.x >= SCREEN.x + 4 && at.x < SCREEN.right() - 4 && at.y > SCREEN.y && at.y < SCREEN.bottom() - 1);
        }
    }
    let mut view = MapView::default();
    assert!(!view.fit([], SCREEN));
    assert!(!view.fit([ll(f64::NAN, 3.0)], SCREEN));
    assert_eq!(view, MapView::default());
}

#[test]
fn following_moves_the_view_only_when_the_mark_leaves_the_middle() {
    let mut marks = [tech(1, ll(60.5, 24.5), "A")];
    let mut view = MapView::new(ll(60.5, 24.5), 9.0);
    view.follow(Some(marks[0].id));
    let mut moves = 0;
    for step in 0..100 {
        marks[0].at = ll(60.5, 24.5 + f64::from(step) * 0.01);
        let data = MapData { technicians: &marks, ..MapData::default() };
        moves += i32::from(view.track(&data, SCREEN));
        let at = Viewport::new(&view, SCREEN).screen(marks[0].at).unwrap();
        assert!(at.x >= SCREEN.x + 20 && at.x < SCREEN.right() - 20);
    }
    assert!((3..15).contains(&moves), "{moves} moves of the view");
}

#[test]
fn a_cluster_shows_its_count_and_its_worst_member_and_all_are_reachable() {
    let at = ll(60.2, 24.9);
    let view = MapView::new(at, 12.0);
    for (count, expected) in [(2, "!2"), (3, "!3"), (9, "!9"), (10, "!9+"), (40, "!9+")] {
        let technicians: Vec<Mark> = (1..count).map(|i| tech(i, at, "T")).collect();
        let tasks = [task(99, at, "late", Severity::Problem)];
        let data = MapData { technicians: &technicians, tasks: &tasks, ..MapData::default() };
        let drawn = text(&frame(SCREEN, &view, &data, Charset::Ascii));
        assert!(drawn.contains(expected), "{expected}:\n{drawn}");
        assert!(!drawn.contains(" late"), "a cluster has no name of one member");
        let cell = Viewport::new(&view, SCREEN).screen(at).unwrap();
        let members = cluster_at(&view, &data, SCREEN, cell);
        assert_eq!(members.len(), count as usize);
        assert_eq!(members[0], tasks[0].id);
        assert_eq!(cluster_of(&view, &data, SCREEN, technicians[0].id).len(), count as usize);
    }
}

#[test]
fn the_selected_member_leads_its_cluster_and_is_framed() {
    let at = ll(60.2, 24.9);
    let technicians: Vec<Mark> = (1..5).map(|i| aged(tech(i, at, &format!("Name{i}")), FixAge::Over2Min, 3)).collect();
    let data = MapData { technicians: &technicians, ..MapData::default() };
    let mut view = MapView::new(at, 12.0);
    view.selected = Some(technicians[2].id);
    let drawn = text(&frame(SCREEN, &view, &data, Charset::Ascii));
    assert!(drawn.contains("[o4]Name3 3m"), "{drawn}");
}

#[test]
fn two_marks_beside_each_other_keep_their_own_signs() {
    let view = MapView::new(ll(60.2, 24.9), 12.0);
    let viewport = Viewport::new(&view, SCREEN);
    // Two cells of one block: any two neighbours that share one will do.
    let pair = (0..8).find_map(|x| {
        let a = viewport.ground(Position { x: 40 + x, y: 10 });
        let b = viewport.ground(Position { x: 41 + x, y: 10 });
        let technicians = [tech(1, a, "")];
        let tasks = [task(2, b, "", Severity::Calm)];
        let data = MapData { technicians: &technicians, tasks: &tasks, ..MapData::default() };
        text(&frame(SCREEN, &view, &data, Charset::Ascii)).contains("@r").then_some(())
    });
    assert!(pair.is_some());
}

#[test]
fn a_hit_is_the_mark_under_the_pointer_or_beside_it_and_nothing_far_off() {
    let technicians = [tech(1, ll(60.5, 24.5), "A"), tech(2, ll(60.5, 26.0), "B")];
    let data = MapData { technicians: &technicians, ..MapData::default() };
    let view = MapView::new(ll(60.5, 25.0), 5.5);
    let at = Viewport::new(&view, SCREEN).screen(technicians[0].at).unwrap();
    assert_eq!(cluster_at(&view, &data, SCREEN, at), [technicians[0].id]);
    assert_eq!(cluster_at(&view, &data, SCREEN, Position { x: at.x - 2, y: at.y }), [technicians[0].id]);
    assert_eq!(cluster_at(&view, &data, SCREEN, Position { x: at.x, y: at.y + 1 }), [technicians[0].id]);
    assert!(cluster_at(&view, &data, SCREEN, Position { x: at.x, y: at.y + 4 }).is_empty());
    assert!(cluster_at(&view, &data, SCREEN, Position { x: 0, y: 0 }).is_empty());
    assert_eq!(nearest(&data, ll(60.0, 25.4)), Some(technicians[1].id));
    assert_eq!(nearest(&MapData::default(), ll(60.0, 25.4)), None);
}

#[test]
fn keys_walk_from_mark_to_mark() {
    let technicians = [tech(1, ll(60.5, 24.5), "A"), tech(2, ll(60.5, 26.0), "B"), tech(3, ll(61.0, 24.6), "C")];
    let data = MapData { technicians: &technicians, ..MapData::default() };
    let mut view = MapView::new(ll(60.5, 25.0), 5.5);
    view.selected = Some(technicians[0].id);
    assert_eq!(towards(&view, &data, Direction::Right), Some(technicians[1].id));
    assert_eq!(towards(&view, &data, Direction::Up), Some(technicians[2].id));
    assert_eq!(towards(&view, &data, Direction::Left), None);
    let mut seen = Vec::new();
    for _ in 0..3 {
        view.selected = cycle(&view, &data, SCREEN, true);
        seen.push(view.selected.unwrap());
    }
    seen.sort();
    assert_eq!(seen, technicians.iter().map(|t| t.id).collect::<Vec<_>>());
    assert_eq!(cycle(&MapView::new(ll(0.0, -150.0), 7.0), &data, SCREEN, true), None);
}

#[test]
fn names_that_do_not_fit_are_dropped_whole() {
    let technicians = [tech(1, ll(60.5, 24.5), "Kustaa-Aadolf")];
    let data = MapData { technicians: &technicians, ..MapData::default() };
    let mut view = MapView::new(ll(60.5, 24.5), 7.0);
    for _ in 0..60 {
        view.pan(Direction::Left, PanStep::Cell, SCREEN);
        let drawn = text(&frame(SCREEN, &view, &data, Charset::Ascii));
        assert_eq!(drawn.contains("Kus"), drawn.contains("Kustaa-Aadolf"), "{drawn}");
    }
}
