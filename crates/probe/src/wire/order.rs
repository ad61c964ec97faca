//! The order in which addresses are tried (RFC 8305, section 4).

use std::net::IpAddr;

/// Alternates between the families, IPv6 first, keeping the resolver's order within each.
/// `next_first` puts the second address first, so that a recheck tries another door.
pub(crate) fn order<T: Clone>(
    addresses: &[T],
    ip: impl Fn(&T) -> IpAddr,
    next_first: bool,
) -> Vec<T> {
    let (six, four): (Vec<&T>, Vec<&T>) =
        addresses.iter().partition(|address| ip(address).is_ipv6());
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut ordered = Vec::with_capacity(addresses.len());
    loop {
        let (a, b) = (six.next(), four.next());
        if a.is_none() && b.is_none() {
            break;
        }
        ordered.extend(a.cloned());
        ordered.extend(b.cloned());
    }
    if next_first && ordered.len() > 1 {
        ordered.rotate_left(1);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["1.1.1.1"], false, &["1.1.1.1"])]
    #[case(&["1.1.1.1", "::1", "2.2.2.2", "::2"], false, &["::1", "1.1.1.1", "::2", "2.2.2.2"])]
    #[case(&["1.1.1.1", "2.2.2.2", "::1"], false, &["::1", "1.1.1.1", "2.2.2.2"])]
    #[case(&["1.1.1.1", "2.2.2.2"], true, &["2.2.2.2", "1.1.1.1"])]
    #[case(&["1.1.1.1"], true, &["1.1.1.1"])]
    #[case(&[], true, &[])]
    fn alternates(#[case] from: &[&str], #[case] next_first: bool, #[case] to: &[&str]) {
        let parse = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| t.parse().unwrap())
                .collect::<Vec<IpAddr>>()
        };
        assert_eq!(order(&parse(from), |ip| *ip, next_first), parse(to));
    }
}
