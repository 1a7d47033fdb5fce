//! The few rtnetlink requests that connecting a pod takes, without starting `ip`.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::io::Errno;

use super::Error;

/// Prefix length of a pod's own network: gateway and pod.
const POD_PREFIX: u8 = 30;

/// A socket to the kernel's network configuration, of the namespace it was opened in.
pub(super) struct Netlink {
    socket: Socket,
    sequence: Cell<u32>,
}

/// An interface, as far as we look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub index: u32,
    pub name: String,
    pub alias: Option<String>,
    pub mtu: Option<u32>,
    pub up: bool,
}

impl Netlink {
    pub fn open() -> Result<Self, Error> {
        let connect = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            Ok::<_, io::Error>(socket)
        };
        Ok(Self {
            socket: connect().map_err(Error::io("open a netlink socket"))?,
            sequence: Cell::new(0),
        })
    }

    /// Makes a pair of interfaces, one here and one in `netns`.
    pub fn add_veth(
        &self,
        here: &str,
        there: &str,
        netns: &OwnedFd,
        mtu: u32,
    ) -> Result<(), Error> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(there.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::NetNsFd(netns.as_raw_fd()),
        ];
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(here.to_owned()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        self.change(
            RouteNetlinkMessage::NewLink(link),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(Error::io(format!("make interface {here}")))
    }

    /// Switches an interface on and writes whose it is.
    pub fn raise(&self, index: u32, alias: Option<&str>) -> Result<(), Error> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        link.attributes
            .extend(alias.map(|text| LinkAttribute::IfAlias(text.to_owned())));
        self.change(RouteNetlinkMessage::SetLink(link), 0)
            .map_err(Error::io("switch an interface on"))
    }

    pub fn add_address(&self, index: u32, address: Ipv4Addr) -> Result<(), Error> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = POD_PREFIX;
        message.header.scope = AddressScope::Universe;
        message.header.index = index;
        message.attributes = vec![
            AddressAttribute::Local(IpAddr::V4(address)),
            AddressAttribute::Address(IpAddr::V4(address)),
        ];
        self.change(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(Error::io(format!("set address {address}")))
    }

    pub fn add_default_route(&self, index: u32, gateway: Ipv4Addr) -> Result<(), Error> {
        let mut route = RouteMessage::default();
        route.header.address_family = AddressFamily::Inet;
        route.header.table = RouteHeader::RT_TABLE_MAIN;
        route.header.protocol = RouteProtocol::Static;
        route.header.scope = RouteScope::Universe;
        route.header.kind = RouteType::Unicast;
        route.attributes = vec![
            RouteAttribute::Gateway(RouteAddress::Inet(gateway)),
            RouteAttribute::Oif(index),
        ];
        self.change(
            RouteNetlinkMessage::NewRoute(route),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .map_err(Error::io(format!("route a pod through {gateway}")))
    }

    /// Removes an interface and with it the other end of its pair.
    pub fn delete_link(&self, index: u32) -> Result<(), Error> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        match self.change(RouteNetlinkMessage::DelLink(link), 0) {
            // Gone meanwhile, with its other end.
            Err(gone) if gone.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => Ok(()),
            other => other.map_err(Error::io("remove an interface")),
        }
    }

    /// Finds an interface by name.
    pub fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        let mut query = LinkMessage::default();
        query
            .attributes
            .push(LinkAttribute::IfName(name.to_owned()));
        match self.ask(query, 0) {
            Ok(found) => Ok(found.into_iter().next()),
            Err(none) if none.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => Ok(None),
            Err(source) => Err(Error::io(format!("look for interface {name}"))(source)),
        }
    }

    /// Finds an interface that was just made.
    pub fn expect_link(&self, name: &str) -> Result<Link, Error> {
        self.link(name)?.ok_or_else(|| {
            let gone = io::Error::from(io::ErrorKind::NotFound);
            Error::io(format!("find interface {name}"))(gone)
        })
    }

    /// Lists all interfaces.
    pub fn links(&self) -> Result<Vec<Link>, Error> {
        self.ask(LinkMessage::default(), NLM_F_DUMP)
            .map_err(Error::io("list the interfaces"))
    }

    fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.exchange(message, NLM_F_ACK | flags).map(|_| ())
    }

    fn ask(&self, query: LinkMessage, flags: u16) -> io::Result<Vec<Link>> {
        // An acknowledgement ends the answer to a question about one; a dump has its own end.
        let flags = if flags == NLM_F_DUMP {
            flags
        } else {
            NLM_F_ACK
        };
        let answers = self.exchange(RouteNetlinkMessage::GetLink(query), flags)?;
        Ok(answers.into_iter().filter_map(read_link).collect())
    }

    /// Sends one request and collects what comes back until its acknowledgement, end or error.
    fn exchange(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        let sequence = self.sequence.get().wrapping_add(1);
        self.sequence.set(sequence);
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | flags;
        request.header.sequence_number = sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;

        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full()?;
            let mut rest = datagram.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .map_err(io::Error::other)?;
                // Messages are padded to four bytes.
                let length = (message.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
                if message.header.sequence_number != sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(result) if result.code.is_none() => return Ok(answers),
                    NetlinkPayload::Error(result) => return Err(result.to_io()),
                    NetlinkPayload::Noop | NetlinkPayload::Overrun(_) => {}
                    // The outside enum may grow; what we do not know is not our answer.
                    _ => {}
                }
            }
        }
    }
}

fn read_link(message: RouteNetlinkMessage) -> Option<Link> {
    let RouteNetlinkMessage::NewLink(link) = message else {
        return None;
    };
    let mut name = None;
    let mut alias = None;
    let mut mtu = None;
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::IfAlias(text) => alias = Some(text),
            LinkAttribute::Mtu(bytes) => mtu = Some(bytes),
            _ => {}
        }
    }
    Some(Link {
        index: link.header.index,
        name: name?,
        alias,
        mtu,
        up: link.header.flags.contains(LinkFlags::Up),
    })
}
