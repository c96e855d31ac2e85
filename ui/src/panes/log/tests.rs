use crate::action::Action;
use crate::panes::testing::{World, desk};
use tracing_subscriber::layer::SubscriberExt;

/// The buffer of the log is one for the whole process: one test tells its story.
#[test]
fn the_log_is_empty_then_clean_then_narrowed_then_scrolled() {
    let mut desk = desk(World::default(), "8");
    assert!(desk.frame().contains("Nothing was logged"), "{}", desk.frame());
    assert_eq!(desk.app.greyed(Action::Down).as_deref(), Some("this is the newest line"));

    let subscriber = tracing_subscriber::registry().with(tui_logger::TuiTracingSubscriberLayer);
    tui_logger::set_default_level(tui_logger::LevelFilter::Trace);
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!("the disk is \u{1b}[31mfull\u{9b}2J a\u{202e}b");
        tracing::info!("reading the pools: \u{6771}\u{4eac}");
        tracing::debug!("only for us");
        for n in 0..60 {
            tracing::info!("line {n}");
        }
    });
    tui_logger::move_events();

    let newest = desk.frame();
    assert!(newest.contains("line 59") && !newest.contains("line 0 "), "{newest}");
    desk.press("k k k k k k k k k k k k");
    let oldest = desk.frame();
    assert!(!oldest.contains("line 59"), "{oldest}");
    desk.press("f");
    assert!(desk.frame().contains("line 59"));

    desk.press("- -");
    let errors = desk.frame();
    assert!(errors.contains("errors only") && errors.contains("the disk is") && !errors.contains("line 59"), "{errors}");
    assert!(!errors.chars().any(|c| c != '\n' && noctule_domain::text::is_dangerous(c)), "{errors:?}");
    assert!(desk.app.greyed(Action::LogLess).is_some());
    desk.press("+ + +");
    assert!(desk.frame().contains("debug and above"));
    assert!(desk.frame().contains("line 59"));
    desk.look("mono", crate::look::Depth::None, true);
    desk.press("- - -");
    assert!(desk.frame().is_ascii());
    for (width, height) in [(60, 15), (120, 40), (80, 24), (20, 5)] {
        desk.resize(width, height);
        desk.frame();
    }
}
