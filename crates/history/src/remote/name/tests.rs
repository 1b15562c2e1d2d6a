use super::{FILE, own};
use crate::storage::memory::Memory;

#[test]
fn version_one_still_reads() {
    let storage = Memory::default();
    assert_eq!(own(&storage, "site-1").unwrap(), "site-1");
    let golden = "althing remote name 1 77a1e464 site-1\n";
    assert_eq!(str::from_utf8(&storage.files()[FILE]).unwrap(), golden);
    assert_eq!(own(&storage, "site-2").unwrap(), "site-1", "once, for ever");
    storage.flip(FILE, 33 * 8);
    let fault = own(&storage, "site-2").unwrap_err().to_string();
    assert_eq!(fault, "remote-name.txt is damaged on this disk and stays here");
}
