//! Small arithmetic of measurements.

pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let (low, high) = ((figures.len().max(1) - 1) / 2, figures.len() / 2);
    let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(low), at(high))
}

/// Of one in parts of the other, where the other may be nothing.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes of a run are far below 2^53")]
pub(super) fn per(whole: u64, parts: u64) -> f64 {
    whole as f64 / parts as f64
}

#[cfg(test)]
mod tests;
