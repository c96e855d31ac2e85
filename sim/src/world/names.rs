//! Plausible names in the languages that meet in a Finnish town, with the ASCII form that a user name is made from.

use crate::dice::Dice;

/// A name as written, and as a user name has it.
pub struct Name {
    pub full: String,
    pub ascii: String,
}

enum Style {
    /// Given name, space, family name; ASCII by taking the marks off.
    Latin(&'static [&'static str], &'static [&'static str]),
    /// Written and ASCII forms; given name first.
    Pairs(&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]),
    /// The same, family name first and no space.
    FamilyFirst(&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]),
    Long,
    Company,
}

const STYLES: &[(u32, Style)] = &[
    (520, Style::Latin(FI_GIVEN, FI_FAMILY)),
    (120, Style::Latin(SV_GIVEN, SV_FAMILY)),
    (50, Style::Latin(ET_GIVEN, ET_FAMILY)),
    (50, Style::Latin(EN_GIVEN, EN_FAMILY)),
    (30, Style::Latin(DE_GIVEN, DE_FAMILY)),
    (30, Style::Latin(ES_GIVEN, ES_FAMILY)),
    (35, Style::Latin(SO_GIVEN, SO_FAMILY)),
    (30, Style::Latin(VI_GIVEN, VI_FAMILY)),
    (25, Style::Latin(PL_GIVEN, PL_FAMILY)),
    (45, Style::Pairs(RU_GIVEN, RU_FAMILY)),
    (10, Style::Pairs(EL_GIVEN, EL_FAMILY)),
    (14, Style::FamilyFirst(JA_GIVEN, JA_FAMILY)),
    (14, Style::FamilyFirst(ZH_GIVEN, ZH_FAMILY)),
    (8, Style::FamilyFirst(KO_GIVEN, KO_FAMILY)),
    (9, Style::Long),
    (20, Style::Company),
];

/// A subscriber's name; `town` goes into company names.
pub fn name(dice: &mut Dice, town: &str) -> Name {
    match dice.weighted(STYLES) {
        Style::Latin(given, family) => latin(dice.word(given), dice.word(family)),
        Style::Pairs(given, family) => {
            let ((g, ga), (f, fa)) = (dice.pick(given), dice.pick(family));
            Name { full: format!("{g} {f}"), ascii: format!("{ga}.{fa}") }
        }
        Style::FamilyFirst(given, family) => {
            let ((g, ga), (f, fa)) = (dice.pick(given), dice.pick(family));
            Name { full: format!("{f}{g}"), ascii: format!("{ga}.{fa}") }
        }
        Style::Long => {
            let given = [dice.word(FI_GIVEN), dice.word(SV_GIVEN), dice.word(DE_GIVEN), dice.word(ES_GIVEN)];
            let family = format!("{}-{} {}", dice.word(SV_FAMILY), dice.word(DE_FAMILY), dice.word(NOBLE));
            let full = format!("{} {} {} {} {family}", given[0], given[1], given[2], given[3]);
            Name { ascii: format!("{}.{}", ascii(given[0]), ascii(&family)), full }
        }
        Style::Company => {
            let full = match dice.below(3) {
                0 => format!("Asunto Oy {town}in {} {}", dice.word(HOUSES), dice.between(1, 40)),
                1 => format!("{} {} Oy", dice.word(FI_FAMILY), dice.word(TRADES)),
                _ => format!("{town} {} Ab", dice.word(TRADES)),
            };
            Name { ascii: ascii(&full), full }
        }
    }
}

/// A name of somebody who works here.
pub fn colleague(dice: &mut Dice) -> Name {
    if dice.chance(0.75) { latin(dice.word(FI_GIVEN), dice.word(FI_FAMILY)) } else { latin(dice.word(SV_GIVEN), dice.word(SV_FAMILY)) }
}

fn latin(given: &str, family: &str) -> Name {
    Name { full: format!("{given} {family}"), ascii: format!("{}.{}", ascii(given), ascii(family)) }
}

/// Lower case ASCII of a Latin name, at most 24 letters; what is no letter goes.
fn ascii(text: &str) -> String {
    let fold = |c: char| match c {
        'ä' | 'å' | 'á' | 'à' | 'ã' | 'â' | 'ạ' | 'ă' | 'ą' | 'Ä' | 'Å' | 'Á' => 'a',
        'ö' | 'õ' | 'ó' | 'ô' | 'ơ' | 'ộ' | 'Ö' | 'Õ' => 'o',
        'ü' | 'ú' | 'ư' | 'Ü' => 'u',
        'é' | 'è' | 'ê' | 'ễ' | 'ế' | 'ę' | 'É' => 'e',
        'í' | 'ị' | 'ì' => 'i',
        'ñ' | 'ń' => 'n',
        'š' | 'ś' | 'ß' => 's',
        'ž' | 'ż' | 'ź' | 'Ż' => 'z',
        'ł' | 'Ł' => 'l',
        'ć' => 'c',
        'đ' | 'Đ' => 'd',
        c => c.to_ascii_lowercase(),
    };
    text.chars().map(fold).filter(char::is_ascii_lowercase).take(24).collect()
}

const FI_GIVEN: &[&str] = &[
    "Anna",
    "Maria",
    "Helena",
    "Johanna",
    "Katariina",
    "Aino",
    "Eeva",
    "Hanna",
    "Kaisa",
    "Liisa",
    "Minna",
    "Päivi",
    "Riikka",
    "Sari",
    "Tiina",
    "Tuula",
    "Venla",
    "Aada",
    "Ilona",
    "Kerttu",
    "Lumi",
    "Sanni",
    "Siiri",
    "Sofia",
    "Väinö",
    "Antti",
    "Eero",
    "Esa",
    "Hannu",
    "Heikki",
    "Ilkka",
    "Jari",
    "Juha",
    "Jukka",
    "Kalle",
    "Lauri",
    "Matti",
    "Mikko",
    "Onni",
    "Pekka",
    "Petri",
    "Risto",
    "Sami",
    "Seppo",
    "Tapio",
    "Timo",
    "Tuomas",
    "Ville",
    "Yrjö",
    "Oiva",
];
const FI_FAMILY: &[&str] = &[
    "Korhonen",
    "Virtanen",
    "Mäkinen",
    "Nieminen",
    "Mäkelä",
    "Hämäläinen",
    "Laine",
    "Heikkinen",
    "Koskinen",
    "Järvinen",
    "Lehtonen",
    "Lehtinen",
    "Saarinen",
    "Salminen",
    "Heinonen",
    "Niemi",
    "Heikkilä",
    "Kinnunen",
    "Salonen",
    "Turunen",
    "Salo",
    "Laitinen",
    "Tuominen",
    "Rantanen",
    "Karjalainen",
    "Jokinen",
    "Mattila",
    "Savolainen",
    "Lahtinen",
    "Ahonen",
    "Ojala",
    "Leppänen",
    "Väisänen",
    "Hiltunen",
    "Kallio",
    "Miettinen",
    "Leinonen",
    "Pitkänen",
    "Aaltonen",
    "Manninen",
    "Hakala",
    "Koivisto",
    "Anttila",
    "Laaksonen",
    "Hirvonen",
    "Räsänen",
    "Lehto",
    "Laakso",
    "Toivonen",
    "Mustonen",
];
const SV_GIVEN: &[&str] = &[
    "Åsa", "Birgitta", "Camilla", "Ebba", "Frida", "Göran", "Håkan", "Ingrid", "Jan-Erik", "Karl", "Lars", "Linnéa", "Magnus", "Märta",
    "Nils", "Ove", "Pär", "Sven", "Ulla-Maj", "Viveca",
];
const SV_FAMILY: &[&str] = &[
    "Andersson",
    "Backman",
    "Björklund",
    "Eriksson",
    "Forsström",
    "Grönlund",
    "Holmström",
    "Johansson",
    "Karlsson",
    "Lindqvist",
    "Lönnrot",
    "Nyström",
    "Öhman",
    "Rosenberg",
    "Sjöberg",
    "Söderström",
    "Wahlroos",
    "Westerlund",
    "Åkerblom",
    "Ahlgren",
];
const ET_GIVEN: &[&str] = &["Kadri", "Liis", "Maarja", "Piret", "Triin", "Jaan", "Madis", "Rein", "Tõnu", "Ülo"];
const ET_FAMILY: &[&str] = &["Tamm", "Saar", "Sepp", "Mägi", "Kask", "Kukk", "Rebane", "Ilves", "Pärn", "Õunapuu"];
const EN_GIVEN: &[&str] = &["Emma", "Grace", "Olivia", "Siobhan", "Zoe", "Daniel", "Gareth", "Liam", "Oliver", "Thomas"];
const EN_FAMILY: &[&str] = &["Baker", "Clarke", "Evans", "Hughes", "MacDonald", "O'Brien", "Patel", "Smith-Jones", "Taylor", "Wright"];
const DE_GIVEN: &[&str] = &["Annette", "Brunhilde", "Katharina", "Ursula", "Christoph", "Jürgen", "Maximilian", "Wolfgang"];
const DE_FAMILY: &[&str] = &["Becker", "Groß", "Hohenstein", "Krüger", "Müller", "Schäfer", "Weiß", "Zimmermann"];
const ES_GIVEN: &[&str] = &["Carmen", "Inés", "Lucía", "Pilar", "Álvaro", "Iñigo", "José", "Raúl"];
const ES_FAMILY: &[&str] = &["García", "Hernández", "Ibáñez", "López", "Muñoz", "Núñez", "Sánchez", "Vázquez"];
const SO_GIVEN: &[&str] = &["Amina", "Faduma", "Hodan", "Ifrah", "Abdi", "Liban", "Mahad", "Yusuf"];
const SO_FAMILY: &[&str] = &["Abdullahi", "Ali", "Farah", "Hassan", "Jama", "Mohamed", "Omar", "Warsame"];
const VI_GIVEN: &[&str] = &["Anh", "Hương", "Linh", "Mai", "Đức", "Huy", "Minh", "Tuấn"];
const VI_FAMILY: &[&str] = &["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Đặng", "Bùi"];
const PL_GIVEN: &[&str] = &["Agnieszka", "Małgorzata", "Zofia", "Grzegorz", "Łukasz", "Paweł", "Wojciech", "Żaneta"];
const PL_FAMILY: &[&str] = &["Kowalski", "Lewandowski", "Nowak", "Szymański", "Wiśniewski", "Wójcik", "Zając", "Grzeszczyk"];
const RU_GIVEN: &[(&str, &str)] = &[
    ("Анна", "anna"),
    ("Екатерина", "ekaterina"),
    ("Ольга", "olga"),
    ("Татьяна", "tatiana"),
    ("Александр", "aleksandr"),
    ("Дмитрий", "dmitri"),
    ("Иван", "ivan"),
    ("Сергей", "sergei"),
];
const RU_FAMILY: &[(&str, &str)] = &[
    ("Иваненко", "ivanenko"),
    ("Соколов", "sokolov"),
    ("Попович", "popovich"),
    ("Кузнец", "kuznets"),
    ("Шевченко", "shevchenko"),
    ("Жуковский", "zhukovski"),
    ("Мельник", "melnik"),
    ("Лаптев", "laptev"),
];
const EL_GIVEN: &[(&str, &str)] = &[("Ελένη", "eleni"), ("Μαρία", "maria"), ("Γιώργος", "giorgos"), ("Νίκος", "nikos")];
const EL_FAMILY: &[(&str, &str)] = &[("Παππά", "pappa"), ("Γεωργίου", "georgiou"), ("Νικολάου", "nikolaou"), ("Βλάχου", "vlachou")];
const JA_GIVEN: &[(&str, &str)] = &[("美咲", "misaki"), ("陽子", "yoko"), ("翔太", "shota"), ("健一", "kenichi"), ("さくら", "sakura")];
const JA_FAMILY: &[(&str, &str)] =
    &[("佐藤", "sato"), ("鈴木", "suzuki"), ("高橋", "takahashi"), ("田中", "tanaka"), ("小笠原", "ogasawara")];
const ZH_GIVEN: &[(&str, &str)] = &[("伟", "wei"), ("秀英", "xiuying"), ("娜", "na"), ("志强", "zhiqiang"), ("雨桐", "yutong")];
const ZH_FAMILY: &[(&str, &str)] = &[("王", "wang"), ("李", "li"), ("张", "zhang"), ("欧阳", "ouyang"), ("陈", "chen")];
const KO_GIVEN: &[(&str, &str)] = &[("민준", "minjun"), ("서연", "seoyeon"), ("지훈", "jihun"), ("하은", "haeun")];
const KO_FAMILY: &[(&str, &str)] = &[("김", "kim"), ("이", "lee"), ("박", "park"), ("최", "choi")];
const NOBLE: &[&str] = &["af Forselles-Riddarhjelm", "von Wrede af Elimä", "de la Gardie-Lewenhaupt", "zu Sayn-Wittgenstein"];
const HOUSES: &[&str] = &["Koivuranta", "Mäntykallio", "Satamapuisto", "Kauppatori", "Linnavuori", "Merituuli"];
const TRADES: &[&str] = &["Rakennus", "Kahvila", "Konepaja", "Tilitoimisto", "Kukkakauppa", "Logistiikka", "Ohjelmistotalo", "Leipomo"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn user_name_parts_are_ascii_and_never_empty() {
        let mut dice = Dice::new(3);
        let mut scripts = HashSet::new();
        for _ in 0..20_000 {
            let name = name(&mut dice, "Hämeenlinna");
            assert!(name.ascii.split('.').all(|p| !p.is_empty()), "{} -> {}", name.full, name.ascii);
            assert!(name.ascii.chars().all(|c| c.is_ascii_lowercase() || c == '.'), "{}", name.ascii);
            assert!(noctule_domain::SafeText::is_clean(&name.full));
            scripts.extend(name.full.chars().map(|c| u32::from(c) >> 12));
        }
        assert!(scripts.contains(&0x4) || scripts.contains(&0x5), "CJK");
        assert!(scripts.contains(&0xb) || scripts.contains(&0xc), "Hangul");
    }
}
