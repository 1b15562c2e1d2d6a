//! A slice of all seeds in every test run, and the proof that the oracle bites.

#[cfg(test)]
mod tests {
    use sim::{Outcome, Sabotage, run};

    #[test]
    fn an_acknowledged_reading_survives_whatever_happens() {
        let mut sum = Outcome::default();
        for seed in 0..400 {
            match run(seed, Sabotage::None) {
                Ok(outcome) => {
                    sum += outcome;
                }
                Err(violation) => panic!("seed {seed}: {violation:?}"),
            }
        }
        assert!(sum.acknowledged > 4_000, "too little was acknowledged to prove much: {sum:?}");
        assert!(sum.delivered > 2_000, "too little was delivered to prove much: {sum:?}");
        assert!(sum.erasures > 100, "too little was erased to prove much: {sum:?}");
        assert!(
            sum.crashes > 400 && sum.flushes > 400 && sum.merges > 100 && sum.faults > 400,
            "{sum:?}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        assert_eq!(run(7, Sabotage::None), run(7, Sabotage::None));
    }

    #[test]
    fn a_site_that_acknowledges_before_the_sync_is_caught() {
        let caught = (0..100).any(|seed| run(seed, Sabotage::AcknowledgeBeforeSync).is_err());
        assert!(caught, "the oracle must see what a power cut took");
    }

    #[test]
    fn a_site_that_acknowledges_before_it_shows_is_caught() {
        let caught = (0..100).any(|seed| run(seed, Sabotage::AcknowledgeBeforeVisible).is_err());
        assert!(caught, "the oracle must see that nobody could see it");
    }
}
