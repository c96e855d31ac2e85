//! What a NAS of a world does wrong, beside being of its kind.

use noctule_sim::dice::Dice;
use noctule_sim::nas::{Behaviour, Delay, Dup, Noise, NoiseKind, Over, PpsLimit, Sign};
use std::time::Duration;

/// How long a request is waited for; long beside what a busy machine delays, short beside a test.
pub const PATIENCE: Duration = Duration::from_millis(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// ACK, and nothing is done.
    LyingAck,
    /// No answer at all.
    Silent,
    /// Refusals of several kinds, some without a cause.
    Naks,
    /// Done at once, answered when nobody waits any more.
    LateAnswers,
    /// Answered and done when nobody waits any more.
    LateWork,
    /// The NAS restarts in the middle: sessions, answers and work are gone.
    Reboots,
    /// NAK 506 above a rate, and a second request for a busy session is dropped.
    Busy,
    /// No duplicate is known as one: repeats are done again.
    DoneTwice,
    /// Requests and answers are lost.
    Losses,
    /// Answers come from another address than the registered one.
    OtherAddress,
    /// Forged, damaged and foreign datagrams around the real answer.
    Noise,
    /// Only the forgery comes.
    ForgedOnly,
    /// Answers are signed over the wrong bytes.
    SignedWrongly,
    /// The clock of the NAS is an hour off, and its answers carry it.
    Clock,
    /// Several at once.
    Storm,
}

impl Weather {
    pub const ALL: &'static [Self] = &[
        Self::Fair,
        Self::LyingAck,
        Self::Silent,
        Self::Naks,
        Self::LateAnswers,
        Self::LateWork,
        Self::Reboots,
        Self::Busy,
        Self::DoneTwice,
        Self::Losses,
        Self::OtherAddress,
        Self::Noise,
        Self::ForgedOnly,
        Self::SignedWrongly,
        Self::Clock,
        Self::Storm,
    ];

    pub fn make(self, behaviour: &mut Behaviour, dice: &mut Dice) {
        let ms = Duration::from_millis;
        match self {
            Self::Fair => behaviour.delay = Delay::Between(ms(0), ms(20)),
            Self::LyingAck => behaviour.lie_ack = true,
            Self::Silent => behaviour.down = true,
            Self::Naks => {
                behaviour.nak_probability = 0.5;
                behaviour.nak_causes = vec![401, 404, 407, 501, 502, 504, 506, 508, 599];
                behaviour.gives_cause = dice.chance(0.7);
            }
            Self::LateAnswers => behaviour.answer_delay = Delay::Fixed(PATIENCE + ms(300)),
            Self::LateWork => behaviour.delay = Delay::Fixed(PATIENCE + ms(300)),
            Self::Reboots => behaviour.delay = Delay::Between(ms(0), ms(60)),
            Self::Busy => {
                behaviour.pps = Some(PpsLimit { per_second: 2, over: Over::Nak506 });
                behaviour.one_per_session = true;
            }
            Self::DoneTwice => {
                behaviour.dup = Dup::None;
                behaviour.drop_out = 0.5;
            }
            Self::Losses => {
                behaviour.drop_in = 0.4;
                behaviour.drop_out = 0.4;
            }
            Self::OtherAddress => behaviour.reply_from_other = true,
            Self::Noise => behaviour.noise = Noise::all_around(),
            Self::ForgedOnly => {
                let kinds = [
                    NoiseKind::ForgedAck,
                    NoiseKind::ForgedNak,
                    NoiseKind::WrongIdentifier,
                    NoiseKind::WrongCode,
                    NoiseKind::AccessAccept,
                    NoiseKind::BitFlip,
                    NoiseKind::BadSignature,
                    NoiseKind::Stale,
                ];
                behaviour.noise = Noise { instead: Some(*dice.pick(&kinds)), before: kinds.to_vec(), ..Noise::default() };
            }
            Self::SignedWrongly => behaviour.sign = Sign::Zero,
            Self::Clock => {
                behaviour.clock_offset_s = 3600;
                behaviour.stamp_answers = true;
            }
            Self::Storm => {
                let fair = [Self::Naks, Self::Busy, Self::DoneTwice, Self::Losses, Self::Noise, Self::LyingAck, Self::Reboots];
                for _ in 0..3 {
                    dice.pick(&fair).make(behaviour, dice);
                }
            }
        }
    }

    /// What leaves the NAS can be taken for an answer.
    pub fn authentic(self) -> bool {
        !matches!(self, Self::OtherAddress | Self::ForgedOnly | Self::SignedWrongly | Self::Clock)
    }
}
