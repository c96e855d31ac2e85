//! User names as FreeRADIUS 3.2 writes them into SQL (measured against the real server): letters, digits, `@.-_:/`, space and every byte
//! of a longer UTF-8 character as they are, the rest as `=` and two digits; a quote or backslash has a backslash put before it first.

use super::config::Names;
use noctule_domain::subscriber::Username;

/// What is printed with a backslash before it is escaped. Before the others, so that decoding takes the pair and not its half.
const DOUBLED: [(char, &str); 2] = [('"', "=5C=22"), ('\\', "=5C=5C")];
/// The printable rest of ASCII that is not safe. `=` last: what it decodes to must not be taken for an escape.
const SINGLE: &str = "!#$%&'()*+,;<>?[]^`{|}~=";

impl Names {
    /// The name as it stands in the tables.
    pub(super) fn stored(self, name: &Username) -> String {
        if self == Self::Plain {
            return name.as_str().to_owned();
        }
        let mut out = String::with_capacity(name.as_str().len());
        for letter in name.as_str().chars() {
            match DOUBLED.iter().find(|(plain, _)| *plain == letter) {
                Some((_, escaped)) => out.push_str(escaped),
                None if SINGLE.contains(letter) => out.push_str(&format!("={:02X}", u32::from(letter))),
                None => out.push(letter),
            }
        }
        out
    }

    /// The name that the tables hold; `None` for a row that FreeRADIUS itself would never find, and for what can be no user name.
    pub(super) fn name(self, stored: &str) -> Option<Username> {
        let plain = match self {
            Self::Plain => stored.to_owned(),
            Self::Escaped => {
                let mut out = stored.to_owned();
                for (letter, escaped) in DOUBLED {
                    out = out.replace(escaped, &letter.to_string());
                }
                for letter in SINGLE.chars() {
                    out = out.replace(&format!("={:02X}", u32::from(letter)), &letter.to_string());
                }
                out
            }
        };
        Username::new(&plain).ok().filter(|name| self.stored(name) == stored)
    }

    /// SQL: the name that `column` holds, by the same steps. Immutable, so that an index can hold it.
    pub(super) fn sql(self, column: &str) -> String {
        let quoted = |text: &str| text.replace('\'', "''");
        let mut sql = column.to_owned();
        if self == Self::Escaped {
            for (letter, escaped) in DOUBLED {
                sql = format!("replace({sql}, '{escaped}', '{}')", quoted(&letter.to_string()));
            }
            for letter in SINGLE.chars() {
                sql = format!("replace({sql}, '={:02X}', '{}')", u32::from(letter), quoted(&letter.to_string()));
            }
        }
        sql
    }

    /// SQL: the two keys by which users are ordered: ASCII without case, then bytes. As SQLite's NOCASE, so that both sides of a comparison
    /// come in the same order.
    pub(super) fn order(self, column: &str) -> (String, String) {
        let name = self.sql(column);
        (format!("lower({name} COLLATE \"C\") COLLATE \"C\""), format!("({name}) COLLATE \"C\""))
    }
}

/// The keys of a name for `Names::order`.
pub(super) fn order_keys(name: &Username) -> (String, String) {
    (name.as_str().to_ascii_lowercase(), name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_the_real_server_writes_them() {
        for (name, stored) in [
            ("anna@isp.example", "anna@isp.example"),
            ("o'brien", "o=27brien"),
            ("a%b", "a=25b"),
            ("a\"b", "a=5C=22b"),
            ("isp\\anna", "isp=5C=5Canna"),
            ("x=27", "x=3D27"),
            ("jörg 名前", "jörg 名前"),
        ] {
            let name = Username::new(name).expect("a name");
            assert_eq!(Names::Escaped.stored(&name), stored);
            assert_eq!(Names::Escaped.name(stored), Some(name.clone()));
            assert_eq!(Names::Plain.stored(&name), name.as_str());
        }
        assert_eq!(Names::Escaped.name("o'brien"), None, "FreeRADIUS looks for o=27brien");
        assert_eq!(Names::Escaped.name("a=5Cb"), None);
    }

    proptest! {
        #[test]
        fn every_name_comes_back(raw in "[ -~äß名]{1,40}") {
            let name = Username::new(&raw).expect("printable");
            prop_assert_eq!(Names::Escaped.name(&Names::Escaped.stored(&name)), Some(name));
        }
    }
}
