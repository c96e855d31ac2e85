//! Numbers and sizes that nobody means: nothing panics, everything stays finite.

use super::*;
use proptest::prelude::*;
use ratatui::layout::Position;

fn any_degree() -> impl Strategy<Value = f64> {
    prop_oneof![-180.0..=180.0f64, any::<f64>(), Just(180.0), Just(-180.0), Just(90.0), Just(-90.0), Just(f64::NAN), Just(f64::INFINITY)]
}

fn any_view() -> impl Strategy<Value = MapView> {
    (any_degree(), any_degree(), prop_oneof![-3.0..20.0f64, any::<f64>()]).prop_map(|(lat, lng, zoom)| MapView::new(ll(lat, lng), zoom))
}

fn any_marks() -> impl Strategy<Value = Vec<Mark>> {
    let mark = (any::<u8>(), any_degree(), any_degree(), "\\PC{0,30}", any::<f64>(), 0..4usize);
    prop::collection::vec(mark, 0..30).prop_map(|marks| {
        let age = |i| [FixAge::Fresh, FixAge::Over2Min, FixAge::Over15Min, FixAge::Lost][i];
        let one = |(n, lat, lng, label, accuracy, i): (u8, f64, f64, String, f64, usize)| Mark {
            accuracy_m: Some(accuracy),
            ..aged(tech(n.into(), ll(lat, lng), &label), age(i), i64::from(n) - 9)
        };
        marks.into_iter().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn painting_never_panics(view in any_view(), marks in any_marks(), x in 0u16..40, y in 0u16..20, w in 0u16..130, h in 0u16..50, select in any::<prop::sample::Index>()) {
        let canvas = Rect { x: 0, y: 0, width: 120, height: 40 };
        let area = Rect { x, y, width: w, height: h };
        let mut view = view;
        if !marks.is_empty() {
            view.selected = Some(marks[select.index(marks.len())].id);
        }
        view.follow(view.selected);
        let trail: Vec<LatLng> = marks.iter().map(|m| m.at).collect();
        let data = MapData { technicians: &marks, trail: &trail, ..MapData::default() };
        for charset in [Charset::Braille, Charset::Ascii] {
            let mut buf = Buffer::empty(canvas);
            paint(&mut buf, area, &view, &data, &MapStyles::colours(charset));
            for (i, cell) in buf.content.iter().enumerate() {
                let at = Position { x: (i % 120) as u16, y: (i / 120) as u16 };
                prop_assert!(area.contains(at) || cell.symbol() == " ", "drawn outside its area at {at:?}");
            }
        }
        view.track(&data, area);
        cluster_at(&view, &data, area, Position { x: 5, y: 5 });
        cycle(&view, &data, area, true);
        towards(&view, &data, Direction::Up);
        nearest(&data, view.centre());
    }

    #[test]
    fn a_view_stays_finite_whatever_is_done(view in any_view(), steps in prop::collection::vec((0u8..10, any_degree(), any_degree()), 0..40), w in 0u16..300, h in 0u16..100) {
        let area = Rect { x: 0, y: 0, width: w, height: h };
        let mut view = view;
        for (step, lat, lng) in steps {
            match step {
                0 => view.pan(Direction::Left, PanStep::Quarter, area),
                1 => view.pan(Direction::Right, PanStep::Cell, area),
                2 => view.pan(Direction::Up, PanStep::Quarter, area),
                3 => view.pan(Direction::Down, PanStep::Quarter, area),
                4 => view.zoom_in(Some(ll(lat, lng))),
                5 => view.zoom_out(Some(ll(lat, lng))),
                6 => view.zoom_in(None),
                7 => view.centre_on(ll(lat, lng)),
                8 => { view.ensure_visible(ll(lat, lng), area); }
                _ => { view.fit([ll(lat, lng), ll(lng, lat)], area); }
            }
            prop_assert!(view.centre().lat.abs() <= 85.06 && view.centre().lng.abs() <= 180.0 && view.zoom().is_finite(), "{view:?}");
            prop_assert!(view.metres_per_dot() > 0.0 && view.metres_per_dot() < 1e6);
        }
        let kept = serde_json::to_string(&view).unwrap();
        let back: MapView = serde_json::from_str(&kept).unwrap();
        prop_assert!((back.zoom() - view.zoom()).abs() < 1e-9 && back.centre().distance_m(view.centre()) < 0.01);
    }

    #[test]
    fn projection_and_back_is_the_same_place(lat in -85.0..85.0f64, lng in -180.0..180.0f64) {
        let back = unproject(project(ll(lat, lng)).unwrap());
        prop_assert!((back.lat - lat).abs() < 1e-9 && (back.lng - lng).abs() < 1e-9, "{back:?}");
    }

    #[test]
    fn screen_and_back_is_the_same_cell(lat in -80.0..80.0f64, lng in -180.0..180.0f64, zoom in 2.0..17.0f64, x in 0u16..80, y in 0u16..22) {
        let viewport = Viewport::new(&MapView::new(ll(lat, lng), zoom), Rect { x: 0, y: 0, width: 80, height: 22 });
        let at = Position { x, y };
        let ground = viewport.ground(at);
        prop_assume!(ground.lat.abs() < 85.0);
        prop_assert_eq!(viewport.screen(ground), Some(at));
    }

    #[test]
    fn a_damaged_base_map_is_an_error_and_no_panic(cut in 0usize..2000, at in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = include_bytes!("../../../../assets/basemap/world-50m.bin")[..2000].to_vec();
        bytes[at] = byte;
        bytes.truncate(cut);
        prop_assert!(Basemap::decode(&bytes).is_err());
    }
}

#[test]
fn a_view_from_a_hostile_file_is_held_in_range() {
    let view: MapView = serde_json::from_str(r#"{"centre": {"lat": 1e300, "lng": -1e300}, "zoom": 9e99}"#).unwrap();
    assert!(view.centre().lat <= 85.06 && view.centre().lng.abs() <= 180.0);
    assert_eq!(view.zoom(), 17.0);
}

#[test]
fn the_outline_of_the_binary_is_whole() {
    let world = Basemap::world().unwrap();
    assert_eq!((world.lines(), world.points()), (1961, 80_349));
}
