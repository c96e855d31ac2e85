//! What a terminal would show: as much of the escape sequences as the console writes.

use unicode_width::UnicodeWidthChar;

pub struct Screen {
    width: usize,
    cells: Vec<char>,
    row: usize,
    column: usize,
    /// An escape sequence or a character that is not whole yet.
    rest: Vec<u8>,
}

impl Screen {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, cells: vec![' '; width * height], row: 0, column: 0, rest: Vec::new() }
    }

    pub fn row(&self, row: usize) -> String {
        self.cells[row * self.width..(row + 1) * self.width].iter().collect()
    }

    pub fn text(&self) -> String {
        let rows = self.cells.chunks(self.width).map(|row| row.iter().collect::<String>().trim_end().to_owned());
        rows.collect::<Vec<_>>().join("\n")
    }

    pub fn has(&self, text: &str) -> bool {
        self.cells.chunks(self.width).any(|row| row.iter().collect::<String>().contains(text))
    }

    pub fn blank(&self) -> bool {
        self.cells.iter().all(|c| *c == ' ')
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let mut at = 0;
        while at < bytes.len() {
            match self.one(&bytes[at..]) {
                Some(used) => at += used,
                None => break,
            }
        }
        self.rest = bytes[at..].to_vec();
    }

    /// Bytes used, `None` when more are needed.
    fn one(&mut self, bytes: &[u8]) -> Option<usize> {
        match bytes[0] {
            0x1b => self.escape(bytes),
            b'\r' => {
                self.column = 0;
                Some(1)
            }
            b'\n' => {
                self.row += 1;
                Some(1)
            }
            0..0x20 | 0x7f => Some(1),
            first => {
                let length = match first {
                    0..0x80 => 1,
                    0x80..0xe0 => 2,
                    0xe0..0xf0 => 3,
                    _ => 4,
                };
                let text = std::str::from_utf8(bytes.get(..length)?).unwrap_or("?");
                text.chars().for_each(|c| self.put(c));
                Some(length)
            }
        }
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if width == 0 || self.column + width > self.width {
            return;
        }
        let at = self.row * self.width + self.column;
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = c;
        }
        if width == 2
            && let Some(cell) = self.cells.get_mut(at + 1)
        {
            *cell = ' ';
        }
        self.column += width;
    }

    fn escape(&mut self, bytes: &[u8]) -> Option<usize> {
        if *bytes.get(1)? != b'[' {
            return Some(2);
        }
        let end = 2 + bytes[2..].iter().position(|b| (0x40..0x7f).contains(b))?;
        let parameters = std::str::from_utf8(&bytes[2..end]).unwrap_or("");
        let mut numbers = parameters.split(';').map(|n| n.parse::<usize>().unwrap_or(0));
        let mut number = || numbers.next().unwrap_or(0);
        match bytes[end] {
            b'H' => (self.row, self.column) = (number().saturating_sub(1), number().saturating_sub(1)),
            b'G' => self.column = number().saturating_sub(1),
            b'C' => self.column += number().max(1),
            b'J' => self.cells.fill(' '),
            _ => {}
        }
        Some(end + 1)
    }
}
