//! Frames, kept as text and looked at by eye.

use super::*;

struct Demo {
    technicians: Vec<Mark>,
    tasks: Vec<Mark>,
    nases: Vec<Mark>,
    trail: Vec<LatLng>,
    assignments: Vec<(TechnicianId, TaskId)>,
}

impl Demo {
    fn new() -> Self {
        Self {
            technicians: vec![
                Mark { accuracy_m: Some(9_000.0), ..tech(1, ll(60.45, 25.3), "Aino") },
                aged(tech(2, ll(60.98, 25.66), "Väinö"), FixAge::Over2Min, 7),
                aged(tech(3, ll(60.48, 22.2), "Sanni"), FixAge::Over15Min, 44),
                aged(tech(4, ll(61.5, 23.7), "Eero"), FixAge::Lost, 300),
                tech(5, ll(60.17, 24.94), "Helmi"),
                tech(6, ll(60.18, 24.92), "Onni"),
            ],
            tasks: vec![
                task(11, ll(60.39, 25.67), "T-104", Severity::Active),
                task(12, ll(60.19, 24.9), "T-107", Severity::Problem),
                task(13, ll(60.87, 26.7), "T-110", Severity::Calm),
            ],
            nases: vec![nas(21, ll(60.21, 24.66), "bng-1"), nas(22, ll(61.0, 24.46), "bng-2")],
            trail: (0..30).map(|i| ll(60.3 + f64::from(i) * 0.005, 24.9 + f64::from(i) * 0.0133)).collect(),
            assignments: vec![(TechnicianId(Uuid::from_u128(1)), TaskId(Uuid::from_u128(11)))],
        }
    }

    fn data(&self) -> MapData<'_> {
        MapData {
            technicians: &self.technicians,
            tasks: &self.tasks,
            nases: &self.nases,
            trail: &self.trail,
            assignments: &self.assignments,
        }
    }
}

fn southern_finland(selected: Option<usize>) -> (Demo, MapView) {
    let demo = Demo::new();
    let mut view = MapView::new(ll(60.7, 24.6), 5.3);
    view.selected = selected.map(|i| demo.technicians[i].id);
    (demo, view)
}

const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 22 };

#[test]
fn southern_finland_in_braille() {
    let (demo, view) = southern_finland(Some(0));
    insta::assert_snapshot!(text(&frame(SCREEN, &view, &demo.data(), Charset::Braille)));
}

#[test]
fn southern_finland_in_ascii() {
    let (demo, view) = southern_finland(Some(0));
    let drawn = text(&frame(SCREEN, &view, &demo.data(), Charset::Ascii));
    let signs_of_ours: String = drawn.chars().filter(|c| !c.is_ascii()).collect();
    assert!(signs_of_ours.chars().all(char::is_alphabetic), "only names may need more than ASCII: {signs_of_ours}");
    insta::assert_snapshot!(drawn);
}

#[test]
fn the_world_in_braille() {
    insta::assert_snapshot!(text(&frame(SCREEN, &MapView::default(), &MapData::default(), Charset::Braille)));
}

#[test]
fn the_world_in_ascii() {
    insta::assert_snapshot!(text(&frame(SCREEN, &MapView::default(), &MapData::default(), Charset::Ascii)));
}

#[test]
fn the_antimeridian_has_fiji_on_both_sides() {
    insta::assert_snapshot!(text(&frame(SCREEN, &MapView::new(ll(-17.5, 180.0), 6.0), &MapData::default(), Charset::Braille)));
}

#[test]
fn a_position_that_is_not_fresh_never_looks_live() {
    let styles = [MapStyles::mono(Charset::Braille), MapStyles::mono(Charset::Ascii), MapStyles::colours(Charset::Braille)];
    let live = tech(1, ll(60.0, 24.0), "A");
    for styles in styles {
        let mut seen = Vec::new();
        for (age, minutes) in [(FixAge::Fresh, 0), (FixAge::Over2Min, 3), (FixAge::Over15Min, 20), (FixAge::Lost, 600)] {
            let technicians = [aged(live.clone(), age, minutes)];
            let data = MapData { technicians: &technicians, ..MapData::default() };
            let mut view = MapView::new(ll(60.0, 24.0), 9.0);
            view.selected = Some(live.id);
            let mut buf = Buffer::empty(SCREEN);
            paint(&mut buf, SCREEN, &view, &data, &styles);
            let at = Viewport::new(&view, SCREEN).screen(ll(60.0, 24.0)).unwrap();
            let sign = buf[at].symbol().to_owned();
            assert!(!seen.contains(&sign), "{age:?} looks like another age: {sign}");
            seen.push(sign.clone());
            let caption = match age {
                FixAge::Fresh => "A",
                FixAge::Over2Min => "A 3m",
                FixAge::Over15Min => "A 20m",
                FixAge::Lost => "A 10h",
            };
            assert!(text(&buf).contains(&format!("[{sign}]{caption}")), "{caption}");
        }
    }
}

#[test]
fn every_sign_is_one_cell_and_no_two_are_alike() {
    use unicode_width::UnicodeWidthStr;
    let mut seen = std::collections::HashSet::new();
    for (glyph, words) in LEGEND {
        let (unicode, ascii) = glyph.forms();
        assert_eq!((unicode.width(), ascii.len()), (1, 1), "{words}");
        assert!(seen.insert(("unicode", unicode)) && seen.insert(("ascii", ascii)), "{words}: used twice");
    }
}
