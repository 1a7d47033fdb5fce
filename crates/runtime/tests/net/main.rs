//! Proves with real sockets what a pod's network lets through and what it does not.

#![allow(clippy::print_stderr, reason = "says why a test was skipped")]

mod dns;
mod support;

use std::net::Ipv4Addr;

use livery_runtime::net::{Error, Options, Reach};
use support::{
    HOST, Host, INTERNET, LAN, METADATA, MTU, OUTSIDE, call, greet, here, inside, is_dropped,
    on_a_host, pod, run, try_run,
};

#[test]
fn a_pod_reaches_the_outside_under_the_hosts_address() {
    on_a_host(|host| {
        let network = host.network();
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert_eq!(
            call(&made.netns, OUTSIDE, port),
            Some(HOST.to_string()),
            "the pod's own address must not be seen outside"
        );
        assert_eq!(made.resolv_conf, format!("nameserver {OUTSIDE}\n"));
        network.detach(&pod(1), 0).unwrap();
    });
}

#[test]
fn a_pod_reaches_no_port_of_the_host() {
    on_a_host(|host| {
        let network = host.network();
        let made = network.attach(&pod(1), 3, Reach::Everything).unwrap();
        let port = greet(&here());
        let gateway = Ipv4Addr::from_bits(made.address.to_bits() - 1);
        for address in [gateway, HOST] {
            assert!(call(&here(), address, port).is_some(), "control: {address}");
            assert!(is_dropped(&made.netns, address, port), "{address}");
        }
        network.detach(&pod(1), 3).unwrap();
    });
}

#[test]
fn a_pod_reaches_no_other_pod() {
    on_a_host(|host| {
        let network = host.network();
        let one = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let two = network.attach(&pod(2), 1, Reach::Everything).unwrap();
        assert_ne!(one.address, two.address);
        let port = greet(&two.netns);
        assert!(call(&two.netns, two.address, port).is_some(), "control");
        assert!(is_dropped(&one.netns, two.address, port));
        network.detach(&pod(1), 0).unwrap();
        network.detach(&pod(2), 1).unwrap();
    });
}

#[test]
fn a_pod_reaches_no_pod_of_another_agent() {
    on_a_host(|host| {
        let network = host.network();
        let mut options = Options::new(host.run_dir.with_extension("other"));
        options.name = "other".to_owned();
        options.subnet = "10.99.0.0/24".parse().unwrap();
        options.resolvers = vec![OUTSIDE.into()];
        let other = livery_runtime::net::Network::open(options).unwrap();
        let one = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let two = other.attach(&pod(2), 0, Reach::Everything).unwrap();
        let port = greet(&two.netns);
        assert!(call(&two.netns, two.address, port).is_some(), "control");
        assert!(is_dropped(&one.netns, two.address, port));
        network.detach(&pod(1), 0).unwrap();
        other.detach(&pod(2), 0).unwrap();
    });
}

#[test]
fn a_pod_reaches_no_metadata_service_and_no_published_port() {
    on_a_host(|host| {
        let network = host.network();
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert!(call(&here(), METADATA, port).is_some(), "control");
        assert!(is_dropped(&made.netns, METADATA, port));

        // As Docker does it: a port of the host that leads to somebody's container.
        run("nft add table ip published");
        run("nft add chain ip published pre { type nat hook prerouting priority dstnat ; }");
        run(&format!(
            "nft add rule ip published pre ip daddr {HOST} tcp dport 8080 dnat to {OUTSIDE}:{port}"
        ));
        assert!(is_dropped(&made.netns, HOST, 8080));
        assert!(call(&made.netns, OUTSIDE, port).is_some(), "control");
        network.detach(&pod(1), 0).unwrap();
    });
}

#[test]
fn a_pod_that_reaches_the_internet_alone_reaches_no_network_around_its_host() {
    on_a_host(|host| {
        let network = host.network_with(&[OUTSIDE, LAN[0]]);
        let owners = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let guests = network.attach(&pod(2), 1, Reach::Internet).unwrap();
        let port = host.greet_outside();
        // The host's own network has public addresses here, as in a university.
        for address in LAN.into_iter().chain([OUTSIDE]) {
            assert!(call(&owners.netns, address, port).is_some(), "{address}");
        }
        assert_eq!(
            call(&guests.netns, INTERNET, port),
            Some(HOST.to_string()),
            "the internet is open"
        );
        std::thread::scope(|threads| {
            for address in LAN.into_iter().chain([OUTSIDE, METADATA]) {
                let netns = &guests.netns;
                threads.spawn(move || assert!(is_dropped(netns, address, port), "{address}"));
            }
        });
        // Both name servers can be asked, as such; nobody else can.
        let names = host.greet_outside_as_name_server();
        for server in [OUTSIDE, LAN[0]] {
            assert!(call(&guests.netns, server, names).is_some(), "{server}");
        }
        for other in [LAN[1], METADATA] {
            assert!(is_dropped(&guests.netns, other, names), "{other}");
        }
        let own = greet(&here());
        assert!(is_dropped(&guests.netns, HOST, own));
        let others = greet(&owners.netns);
        assert!(is_dropped(&guests.netns, owners.address, others));
        network.detach(&pod(1), 0).unwrap();
        network.detach(&pod(2), 1).unwrap();
        assert_nothing_left(host);
    });
}

#[test]
fn networks_that_the_host_joins_later_are_closed_too() {
    on_a_host(|host| {
        let network = host.network();
        let port = host.greet_outside();
        let first = network.attach(&pod(1), 0, Reach::Internet).unwrap();
        assert!(call(&first.netns, INTERNET, port).is_some(), "control");
        run("ip addr add 203.0.113.1/24 dev uplink");
        // The next pod is when it is seen; it holds for all.
        network.attach(&pod(2), 1, Reach::Internet).unwrap();
        assert!(is_dropped(&first.netns, INTERNET, port));
        network.detach(&pod(1), 0).unwrap();
        network.detach(&pod(2), 1).unwrap();
    });
}

#[test]
fn a_slot_left_by_a_pod_of_another_reach_is_taken_over() {
    on_a_host(|host| {
        let network = host.network();
        network.attach(&pod(1), 0, Reach::Internet).unwrap();
        assert!(matches!(
            network.attach(&pod(2), 0, Reach::Everything),
            Err(Error::SlotTaken { .. })
        ));
        network.detach(&pod(1), 0).unwrap();
        // As a crash leaves it: a pair without an owner.
        run("ip link add lvy-i0 type veth peer name loose");
        let made = network.attach(&pod(2), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert!(call(&made.netns, OUTSIDE, port).is_some());
        network.detach(&pod(2), 0).unwrap();
        assert_nothing_left(host);
    });
}

#[test]
fn the_namespace_fits_a_pod_without_capabilities() {
    on_a_host(|host| {
        let network = host.network();
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        inside(&made.netns, || {
            let links = run("ip -o link");
            assert!(links.contains(&format!("mtu {MTU}")), "{links}");
            assert_eq!(run("ip -6 addr"), "", "no IPv6 inside");
            assert_eq!(
                run("sysctl -n net.ipv4.ip_unprivileged_port_start").trim(),
                "0"
            );
            assert!(run("sysctl -n net.ipv4.ping_group_range").contains("2147483647"));
        });
        assert_eq!(
            run("ip -6 addr show dev lvy-0"),
            "",
            "no IPv6 towards the pod"
        );
        network.detach(&pod(1), 0).unwrap();
    });
}

#[test]
fn attach_is_idempotent_and_survives_a_restart_of_the_agent() {
    on_a_host(|host| {
        let first = host
            .network()
            .attach(&pod(1), 0, Reach::Everything)
            .unwrap();
        let port = greet(&first.netns);
        let reopened = host.network();
        assert_eq!(
            reopened.attach(&pod(1), 0, Reach::Everything).unwrap(),
            first
        );
        assert!(
            call(&first.netns, first.address, port).is_some(),
            "the same namespace"
        );
        reopened.detach(&pod(1), 0).unwrap();
    });
}

#[test]
fn half_made_connections_are_made_anew() {
    on_a_host(|host| {
        let network = host.network();
        // As a crash leaves it: a pair without an owner, and a file without a namespace.
        run("ip link add lvy-0 type veth peer name loose");
        std::fs::write(host.run_dir.join(pod(1).as_str()), "").unwrap();
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert!(call(&made.netns, OUTSIDE, port).is_some());
        network.detach(&pod(1), 0).unwrap();
        assert_nothing_left(host);
    });
}

#[test]
fn a_slot_belongs_to_one_pod_and_a_late_detach_spares_the_next() {
    on_a_host(|host| {
        let network = host.network();
        network.attach(&pod(1), 5, Reach::Everything).unwrap();
        assert!(matches!(
            network.attach(&pod(2), 5, Reach::Everything),
            Err(Error::SlotTaken { owner, .. }) if owner == pod(1).as_str()
        ));
        network.detach(&pod(2), 5).unwrap();
        run("ip link show dev lvy-5");
        network.detach(&pod(1), 5).unwrap();
        network.detach(&pod(1), 5).unwrap();
        assert_nothing_left(host);
    });
}

#[test]
fn flushed_rules_come_back_before_the_next_pod() {
    on_a_host(|host| {
        let network = host.network();
        run("nft flush ruleset");
        run("sysctl -w net.ipv4.ip_forward=0");
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = greet(&here());
        assert!(is_dropped(&made.netns, HOST, port));
        let port = host.greet_outside();
        assert!(call(&made.netns, OUTSIDE, port).is_some());
        network.detach(&pod(1), 0).unwrap();
    });
}

#[test]
fn pods_pass_where_docker_drops_forwarded_packets() {
    on_a_host(|host| {
        run("iptables -N DOCKER-USER");
        run("iptables -A FORWARD -j DOCKER-USER");
        run("iptables -P FORWARD DROP");
        let network = host.network();
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert!(call(&made.netns, OUTSIDE, port).is_some());
        network.detach(&pod(1), 0).unwrap();
        network.close().unwrap();
        assert!(!run("iptables -S DOCKER-USER").contains("lvy-"));
    });
}

#[test]
fn pods_pass_where_docker_was_started_later() {
    on_a_host(|host| {
        let network = host.network();
        run("ip link add docker0 type veth peer name docker1");
        run("iptables -P FORWARD DROP");
        let made = network.attach(&pod(1), 0, Reach::Everything).unwrap();
        let port = host.greet_outside();
        assert!(call(&made.netns, OUTSIDE, port).is_some());
        network.detach(&pod(1), 0).unwrap();
        network.close().unwrap();
        assert!(!run("iptables -S FORWARD").contains("lvy-"));
    });
}

#[test]
fn close_waits_for_the_last_pod() {
    on_a_host(|host| {
        let network = host.network();
        network.attach(&pod(1), 0, Reach::Everything).unwrap();
        network.close().unwrap();
        assert!(run("nft list tables").contains("livery_lvy"));
        network.detach(&pod(1), 0).unwrap();
        network.close().unwrap();
        network.close().unwrap();
        assert!(!run("nft list tables").contains("livery_lvy"));
    });
}

#[test]
fn a_subnet_in_use_is_refused_by_name() {
    on_a_host(|host| {
        run("ip link add vpn0 type veth peer name vpn1");
        run("ip link set vpn0 up");
        run("ip route add 10.213.7.0/24 dev vpn0");
        let clash = livery_runtime::net::Network::open(Options::new(host.run_dir.clone()));
        let message = clash.unwrap_err().to_string();
        assert!(message.contains("vpn0"), "{message}");
    });
}

fn assert_nothing_left(host: &Host) {
    let (links, _) = try_run("ip -o link");
    assert!(!links.contains("lvy-"), "{links}");
    assert!(std::fs::read_dir(&host.run_dir).unwrap().next().is_none());
    let mounts = std::fs::read_to_string("/proc/thread-self/mounts").unwrap();
    assert!(!mounts.contains(&host.run_dir.display().to_string()));
}
