//! What a device measured at one moment.

use model::Value;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub name: &'static str,
    /// As SenML writes it; other dialects have it in the name or nowhere. Empty for none.
    pub unit: &'static str,
    pub value: Value<'static>,
}

#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// Rounded to `digits` after the point, as a sensor has so many and no more.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: f64,
        digits: i32,
    ) {
        let scale = 10_f64.powi(digits);
        // Adding zero turns a negative zero into a plain one.
        let value = (value * scale).round() / scale + 0.0;
        self.0.push(Sample { name, unit, value: Value::Number(value) });
    }

    pub(super) fn truth(&mut self, name: &'static str, value: bool) {
        self.0.push(Sample { name, unit: "", value: Value::Boolean(value) });
    }

    pub(super) fn text(&mut self, name: &'static str, value: &'static str) {
        self.0.push(Sample { name, unit: "", value: Value::Text(value) });
    }

    pub(super) fn into_vec(self) -> Vec<Sample> {
        self.0
    }
}
