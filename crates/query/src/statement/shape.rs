//! How deep a statement can become, before it is parsed.
//!
//! `1 + 1 + 1 …` and `UNION … UNION …` are parsed in a loop and become trees as deep as they are
//! long. Such a tree is walked, copied and dropped by recursion, and a stack that is used up ends
//! the process. So what stands side by side is counted first.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::fault::{Code, QueryFault};

/// A longer statement was not written for reading.
const BYTES_MAX: usize = 256 << 10;

/// Words and signs without a comma or a bracket between them: some 250 conditions. With four times
/// as many, a stack of 4 MiB was used up; query threads have 16.
const CHAIN_MAX: usize = 1_000;

/// # Errors
/// When the text is too long, or something in it too long a chain.
pub(crate) fn check(sql: &str) -> Result<(), QueryFault> {
    if sql.len() > BYTES_MAX {
        let hint = "Statements have 256 KiB at most.";
        return Err(QueryFault::new(Code::Invalid, "The statement is too long.", hint));
    }
    // What is no token is told by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    if longest_chain(&tokens) > CHAIN_MAX {
        let hint = "Use IN (…) for many values, or several statements.";
        let what = "The statement has too many words and signs in a row.";
        return Err(QueryFault::new(Code::Invalid, what, hint));
    }
    Ok(())
}

/// Of all brackets that are open at one place together.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other tokens lengthen the chain")]
fn longest_chain(tokens: &[Token]) -> usize {
    let (mut open, mut here, mut above, mut longest) = (Vec::new(), 0, 0, 0);
    for token in tokens {
        match token {
            Token::Whitespace(_) => {}
            Token::LParen | Token::LBracket | Token::LBrace => {
                open.push(here);
                above += here;
                here = 1;
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                here = open.pop().unwrap_or(0);
                above -= here;
                here += 1;
            }
            Token::Comma => here = 0,
            Token::SemiColon => (open, here, above) = (Vec::new(), 0, 0),
            _ => here += 1,
        }
        longest = longest.max(above + here);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::{Code, check};

    #[test]
    fn long_lists_are_welcome_and_long_chains_are_not() {
        let list = format!("SELECT 1 WHERE 1 IN ({})", "-1, ".repeat(20_000) + "1");
        check(&list).unwrap();
        let wide = format!("SELECT {} 1", "f(a + 1) AS x, ".repeat(5_000));
        check(&wide).unwrap();
        for chain in ["1 + ", "SELECT 1 UNION ALL ", "a AND ", "(1 + ", "x::int - "] {
            let sql = format!("SELECT {} 1", chain.repeat(1_000));
            assert!(check(&sql).is_err_and(|fault| fault.code == Code::Invalid), "{chain}");
        }
        check(&"x".repeat(300_000)).unwrap_err();
    }
}
