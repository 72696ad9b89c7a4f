//! Amounts of CPU and memory.

use serde_json::Value;

use crate::{
    Choice,
    output::size::{exact_bytes, exact_cores, parse_quantity, short_bytes, short_cores},
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Measure {
    /// CPU, in billionths of a core.
    Cpu,
    /// Memory, in bytes.
    Memory,
}

impl Measure {
    /// How a column is headed.
    pub fn header(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "MEM",
        }
    }

    /// An amount in use, rounded to what a reader needs: `210m`, `1.4Gi`.
    pub fn short(self, amount: u64) -> String {
        match self {
            Self::Cpu => short_cores(amount),
            Self::Memory => short_bytes(amount),
        }
    }

    /// An amount as someone set it: `250m`, `512Mi`.
    pub fn exact(self, amount: u64) -> String {
        match self {
            Self::Cpu => exact_cores(amount),
            Self::Memory => exact_bytes(amount),
        }
    }

    /// A quantity of it; none if there is none, or it is none.
    pub(super) fn read(self, quantities: &Value) -> Option<u64> {
        let (name, unit) = match self {
            Self::Cpu => ("cpu", 1e9),
            Self::Memory => ("memory", 1.0),
        };
        let quantity = match quantities.get(name)? {
            Value::String(text) => parse_quantity(text)?,
            other => other.as_f64()?,
        };
        let amount = (quantity * unit).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast of a float saturates, and no machine is that large"
        )]
        (amount >= 0.0).then_some(amount as u64)
    }
}

/// CPU and memory, in use or to be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// In billionths of a core.
    pub cpu: u64,
    /// In bytes.
    pub memory: u64,
}

impl Amounts {
    /// Reads `{"cpu": "210m", "memory": "498Mi"}`; what is not there is nothing.
    pub fn read(quantities: &Value) -> Self {
        Self {
            cpu: Measure::Cpu.read(quantities).unwrap_or(0),
            memory: Measure::Memory.read(quantities).unwrap_or(0),
        }
    }

    /// One of the two.
    pub fn of(self, measure: Measure) -> u64 {
        match measure {
            Measure::Cpu => self.cpu,
            Measure::Memory => self.memory,
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
        }
    }
}
