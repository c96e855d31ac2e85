//! One macro for the enums whose values operators, the database and the API share: snake_case words, parsed and printed in one place.

/// Declares an enum whose variants have one stable word each, used on screen, in SQLite, in JSON and in the filter language.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order in which screens list them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word of this value, as stored and shown.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The value of a stored or typed word; `None` for a word that is not one of ours.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.word()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::from_word(word).ok_or_else(|| $crate::words::UnknownWord {
                    word: $crate::SafeText::bounded(word, 60),
                    known: Self::ALL.iter().map(|v| v.word()).collect(),
                })
            }
        }
    };
}

/// A word that is none of an enum's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not one of: {}", known.join(", "))]
pub struct UnknownWord {
    pub word: crate::SafeText,
    pub known: Vec<&'static str>,
}
