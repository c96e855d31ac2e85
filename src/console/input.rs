//! From the terminal's events to messages. Keys are never dropped: the queue is bounded and this waits for it.

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures::StreamExt;
use noctule_ui::Msg;
use noctule_ui::msg::{Mouse, MouseKind};
use tokio::sync::mpsc;

/// Longest paste that is taken, in bytes.
const MAX_PASTE: usize = 64 * 1024;

/// Reads until the terminal is gone, then closes its side of the queue. `drawn` is the size of the frame that is on the screen.
pub async fn read(to: mpsc::Sender<Msg>, drawn: (u16, u16)) {
    let mut events = EventStream::new();
    // From here on a new size is heard of. One that came between the first frame and now was told to nobody.
    if let Ok(size) = crossterm::terminal::size()
        && size != drawn
        && to.send(Msg::Resize(size.0, size.1)).await.is_err()
    {
        return;
    }
    while let Some(Ok(event)) = events.next().await {
        if let Some(msg) = message(event)
            && to.send(msg).await.is_err()
        {
            return;
        }
    }
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(crokey::KeyCombination::from(key).normalized())),
        Event::Key(_) => None,
        Event::Paste(mut text) => {
            let mut end = text.len().min(MAX_PASTE);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            Some(Msg::Paste(text))
        }
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::FocusGained => Some(Msg::Focus(true)),
        Event::FocusLost => Some(Msg::Focus(false)),
        Event::Mouse(mouse) => {
            let kind = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
                MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
                MouseEventKind::Up(MouseButton::Left) => MouseKind::Release,
                MouseEventKind::ScrollUp => MouseKind::ScrollUp,
                MouseEventKind::ScrollDown => MouseKind::ScrollDown,
                _ => return None,
            };
            Some(Msg::Mouse(Mouse { kind, column: mouse.column, row: mouse.row }))
        }
    }
}
