use super::{describe, parse};

#[test]
fn functions_are_summed_up_by_kinds_of_work() {
    let lines = [
        "# Overhead  Shared Object      Symbol",
        "    12.50%  [kernel.kallsyms]  [k] tcp_sendmsg_locked",
        "     7.25%  broker             [.] mqtt::frame::decode",
        "     2.00%  [kernel.kallsyms]  [k] tcp_ack",
        "     0.25%  broker             [.] main",
    ];
    let functions: Vec<_> = lines.iter().filter_map(|line| parse(line)).collect();
    assert_eq!(
        describe(&functions, 1),
        "   14.50 %  kernel: TCP and sockets\n    7.25 %  mqtt: frames and sessions\n\
         \u{20}   0.25 %  other\n\n   12.50 %  [kernel.kallsyms] [k] tcp_sendmsg_locked  \
         (kernel: TCP and sockets)\n"
    );
}
