//! Themes: each tone has a form for true colour, 256 colours, 16 colours and none. The default speaks in the terminal's own 16 colours and
//! never paints the background, so that it fits the operator's palette.

use super::Glyph;
use noctule_domain::words;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::str::FromStr;

words!(
    /// What a style means. Screens name a tone, never a colour.
    Tone {
        Text = "text",
        Muted = "muted",
        Accent = "accent",
        Title = "title",
        Good = "good",
        Info = "info",
        Warning = "warning",
        Danger = "danger",
        Stale = "stale",
        Selected = "selected",
        Marked = "marked",
        Key = "key",
        Border = "border",
        Match = "match",
        Header = "header",
    }
);

words!(
    /// How many colours the terminal has.
    Depth { True = "true", C256 = "256", C16 = "16", None = "none" }
);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    #[error("theme '{0}' does not exist; there are: dark, light, high-contrast, mono")]
    NoTheme(String),
    #[error("theme {theme}: {message}")]
    Broken { theme: String, message: String },
}

/// The built-in themes, by name.
pub const THEMES: &[(&str, &str)] = &[
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../../assets/themes/high-contrast.toml")),
    ("mono", include_str!("../../../assets/themes/mono.toml")),
];

/// One tone in a theme file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    rgb: Option<String>,
    ansi256: Option<u8>,
    ansi16: Option<String>,
    /// Modifiers beside the colours.
    with_colour: Vec<String>,
    /// Modifiers where there are no colours.
    without_colour: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Styles {
    rgb: Style,
    ansi256: Style,
    ansi16: Style,
    none: Style,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub name: String,
    styles: Vec<Styles>,
}

impl Theme {
    /// A built-in theme.
    pub fn named(name: &str) -> Result<Self, LookError> {
        let (name, text) = THEMES.iter().find(|(known, _)| *known == name).ok_or_else(|| LookError::NoTheme(name.to_owned()))?;
        Self::parse(name, text)
    }

    /// A theme from its file. Every tone must be there.
    pub fn parse(name: &str, text: &str) -> Result<Self, LookError> {
        let broken = |message: String| LookError::Broken { theme: name.to_owned(), message };
        let forms: BTreeMap<String, Form> = toml::from_str(text).map_err(|e| broken(e.message().to_owned()))?;
        if let Some(unknown) = forms.keys().find(|key| Tone::from_word(key).is_none()) {
            return Err(broken(format!("'{unknown}' is not a tone")));
        }
        let mut styles = Vec::with_capacity(Tone::ALL.len());
        for tone in Tone::ALL {
            let form = forms.get(tone.word()).ok_or_else(|| broken(format!("the tone '{tone}' is missing")))?;
            styles.push(form.styles().map_err(broken)?);
        }
        Ok(Self { name: name.to_owned(), styles })
    }

    /// Without any file: modifiers only.
    fn plain() -> Self {
        let styles = Tone::ALL
            .iter()
            .map(|tone| {
                let style = match tone {
                    Tone::Selected => Style::new().add_modifier(Modifier::REVERSED),
                    Tone::Danger | Tone::Title | Tone::Marked | Tone::Key => Style::new().add_modifier(Modifier::BOLD),
                    _ => Style::new(),
                };
                Styles { rgb: style, ansi256: style, ansi16: style, none: style }
            })
            .collect();
        Self { name: "mono".to_owned(), styles }
    }
}

impl Form {
    fn styles(&self) -> Result<Styles, String> {
        let with = modifiers(&self.with_colour)?;
        let colour = |text: &Option<String>| match text {
            None => Ok(Style::new()),
            Some(text) => Color::from_str(text).map(|c| Style::new().fg(c)).map_err(|_| format!("'{text}' is not a colour")),
        };
        Ok(Styles {
            rgb: colour(&self.rgb)?.add_modifier(with),
            ansi256: self.ansi256.map_or(Style::new(), |n| Style::new().fg(Color::Indexed(n))).add_modifier(with),
            ansi16: colour(&self.ansi16)?.add_modifier(with),
            none: Style::new().add_modifier(modifiers(&self.without_colour)?),
        })
    }
}

fn modifiers(words: &[String]) -> Result<Modifier, String> {
    words.iter().try_fold(Modifier::empty(), |all, word| {
        Ok(all
            | match word.as_str() {
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underlined" => Modifier::UNDERLINED,
                "reversed" => Modifier::REVERSED,
                _ => return Err(format!("'{word}' is not a modifier: bold, dim, italic, underlined, reversed")),
            })
    })
}

/// A theme at a depth, with or without glyphs beyond ASCII: all that `view` asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub theme: Theme,
    pub depth: Depth,
    pub ascii: bool,
}

impl Look {
    /// A name that is not known gives the plain theme: a wrong preference must not keep anybody from working.
    pub fn new(theme: &str, depth: Depth, ascii: bool) -> Self {
        Self { theme: Theme::named(theme).unwrap_or_else(|_| Theme::plain()), depth, ascii }
    }

    pub fn style(&self, tone: Tone) -> Style {
        let Some(styles) = self.theme.styles.get(tone as usize) else { return Style::new() };
        match self.depth {
            Depth::True => styles.rgb,
            Depth::C256 => styles.ansi256,
            Depth::C16 => styles.ansi16,
            Depth::None => styles.none,
        }
    }

    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = glyph.forms();
        if self.ascii { ascii } else { unicode }
    }

    pub fn ellipsis(&self) -> &'static str {
        self.glyph(Glyph::Ellipsis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_has_every_tone_and_never_paints_the_background() {
        for (name, _) in THEMES {
            let theme = Theme::named(name).unwrap_or_else(|e| panic!("{e}"));
            for styles in &theme.styles {
                for style in [styles.rgb, styles.ansi256, styles.ansi16, styles.none] {
                    assert_eq!(style.bg, None, "{name}");
                }
                assert_eq!(styles.none.fg, None, "{name}");
            }
        }
        assert!(Theme::named("mono").is_ok_and(|mono| mono.styles.iter().all(|s| s.rgb.fg.is_none() && s.ansi16.fg.is_none())));
    }

    #[test]
    fn the_selection_is_seen_without_any_colour() {
        for (name, _) in THEMES {
            let look = Look::new(name, Depth::None, true);
            assert_ne!(look.style(Tone::Selected), look.style(Tone::Text), "{name}");
        }
    }

    #[test]
    fn a_broken_theme_says_what_is_wrong() {
        let error = Theme::parse("mine", "[dangr]\nrgb='#ffffff'").expect_err("refused");
        assert!(error.to_string().contains("dangr"), "{error}");
        assert!(Theme::parse("mine", "[text]\nansi16='blurple'").is_err());
    }
}
