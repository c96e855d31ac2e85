//! Towns of southern Finland, as boxes that are on land, mostly, and their streets.

use crate::dice::Dice;
use noctule_domain::geo::LatLng;

pub struct Town {
    pub name: &'static str,
    pub post: &'static str,
    /// Share of the subscribers.
    pub weight: u32,
    /// South, west, north, east.
    pub land: (f64, f64, f64, f64),
    /// Which of the NASes serves it; modulo their number.
    pub nas: usize,
}

pub const TOWNS: &[Town] = &[
    Town { name: "Helsinki", post: "00", weight: 26, land: (60.185, 24.86, 60.260, 25.10), nas: 0 },
    Town { name: "Vantaa", post: "01", weight: 10, land: (60.270, 24.88, 60.340, 25.12), nas: 0 },
    Town { name: "Espoo", post: "02", weight: 14, land: (60.175, 24.62, 60.255, 24.83), nas: 1 },
    Town { name: "Turku", post: "20", weight: 11, land: (60.430, 22.20, 60.490, 22.36), nas: 2 },
    Town { name: "Tampere", post: "33", weight: 13, land: (61.470, 23.76, 61.500, 23.90), nas: 3 },
    Town { name: "Hämeenlinna", post: "13", weight: 4, land: (60.980, 24.42, 61.010, 24.50), nas: 3 },
    Town { name: "Lahti", post: "15", weight: 8, land: (60.960, 25.62, 61.000, 25.74), nas: 4 },
    Town { name: "Hyvinkää", post: "05", weight: 4, land: (60.610, 24.82, 60.650, 24.90), nas: 4 },
    Town { name: "Kotka", post: "48", weight: 6, land: (60.500, 26.89, 60.540, 26.98), nas: 5 },
    Town { name: "Porvoo", post: "06", weight: 4, land: (60.385, 25.62, 60.420, 25.72), nas: 5 },
];

impl Town {
    pub fn centre(&self) -> LatLng {
        let (s, w, n, e) = self.land;
        LatLng { lat: (s + n) / 2.0, lng: (w + e) / 2.0 }
    }

    /// A place in town, nearer to the centre more often than not.
    pub fn place(&self, dice: &mut Dice) -> LatLng {
        let (s, w, n, e) = self.land;
        let mut draw = |from: f64, to: f64| from + (to - from) * (dice.unit() + dice.unit()) / 2.0;
        // Seven digits are a centimetre.
        let round = |v: f64| (v * 1e7).round() / 1e7;
        LatLng { lat: round(draw(s, n)), lng: round(draw(w, e)) }
    }

    pub fn address(&self, dice: &mut Dice) -> String {
        let street = dice.word(STREETS);
        let house = dice.between(1, 118);
        let post = format!("{}{}0", self.post, dice.between(10, 99));
        if dice.chance(0.6) {
            let stair = dice.word(&["A", "B", "C", "D", "E"]);
            format!("{street} {house} {stair} {}, {post} {}", dice.between(1, 72), self.name)
        } else {
            format!("{street} {house}, {post} {}", self.name)
        }
    }
}

pub fn town(dice: &mut Dice) -> &'static Town {
    let mut at = dice.below(TOWNS.iter().map(|t| u64::from(t.weight)).sum());
    for town in TOWNS {
        if at < u64::from(town.weight) {
            return town;
        }
        at -= u64::from(town.weight);
    }
    &TOWNS[0]
}

const STREETS: &[&str] = &[
    "Kauppakatu",
    "Rantatie",
    "Koulukatu",
    "Kirkkokatu",
    "Asemakatu",
    "Puistokatu",
    "Satamakatu",
    "Myllytie",
    "Koivutie",
    "Mäntytie",
    "Kuusitie",
    "Pihlajatie",
    "Vaahterakuja",
    "Tammipolku",
    "Lehmuskatu",
    "Metsätie",
    "Peltokatu",
    "Niittytie",
    "Mäkikatu",
    "Kallionkatu",
    "Linnankatu",
    "Hämeenkatu",
    "Aleksanterinkatu",
    "Mannerheimintie",
    "Itsenäisyydenkatu",
    "Yliopistonkatu",
    "Rautatienkatu",
    "Siltakatu",
    "Torikatu",
    "Vuorikatu",
    "Strandvägen",
    "Skolgatan",
    "Björkvägen",
    "Kyrkogatan",
    "Sepänkatu",
    "Kalastajankuja",
    "Saaristotie",
    "Kehräämöntie",
    "Tehtaankatu",
    "Länsiväylä",
    "Itäkatu",
    "Pohjoiskaari",
    "Eteläranta",
    "Aurinkokuja",
    "Revontulentie",
    "Tähtitie",
    "Kurjenkellontie",
    "Orvokkitie",
    "Sinivuokonkuja",
    "Vanamontie",
];
