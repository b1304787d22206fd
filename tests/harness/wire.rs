//! AMQP 0-9-1 written by hand: every byte of a message is the test's own, also those that no client would send.

use std::collections::{BTreeSet, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::frame::{Frame, Reader, frame, long_string, method, short_string};
use crate::{PATIENCE, Vhost};

const FRAME_MAX: u32 = 131_072;

/// One connection with one confirming channel. It blocks: give it a thread of its own.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    published: u64,
    unconfirmed: BTreeSet<u64>,
    deliveries: VecDeque<Received>,
}

/// The broker closed channel or connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The broker's code.
    pub code: u16,
    /// Its words.
    pub text: String,
}

/// A message to send, as bytes.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Exchange.
    pub exchange: Vec<u8>,
    /// Routing key.
    pub key: Vec<u8>,
    /// Flags and list of the content header.
    pub properties: Vec<u8>,
    /// Body.
    pub body: Vec<u8>,
}

/// A message that came, as bytes.
#[derive(Debug, Clone)]
pub struct Received {
    /// The subscription.
    pub tag: Vec<u8>,
    /// Routing key.
    pub key: Vec<u8>,
    /// Flags and list of the content header.
    pub properties: Vec<u8>,
    /// Body.
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects as the administrator.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    #[must_use]
    pub fn connect(vhost: &Vhost) -> Self {
        let url = vhost.url();
        let login = url.strip_prefix("amqp://").and_then(|rest| rest.split_once('@')).expect("a URL").0;
        let (user, password) = login.split_once(':').expect("a URL with a password");
        let stream = TcpStream::connect(vhost.broker().address()).expect("the broker listens");
        stream.set_nodelay(true).expect("an option of the socket");
        let (received, deliveries) = (Vec::new(), VecDeque::new());
        let mut wire = Self { stream, received, published: 0, unconfirmed: BTreeSet::new(), deliveries };
        wire.write(b"AMQP\0\0\x09\x01");
        wire.expect(10, 10);
        let mut start = 0_u32.to_be_bytes().to_vec();
        short_string(&mut start, b"PLAIN");
        long_string(&mut start, format!("\0{user}\0{password}").as_bytes());
        short_string(&mut start, b"en_US");
        wire.call(0, (10, 11), &start, (10, 30));
        let mut tune = 16_u16.to_be_bytes().to_vec();
        tune.extend(FRAME_MAX.to_be_bytes());
        tune.extend(0_u16.to_be_bytes());
        wire.write(&method(0, (10, 31), &tune));
        let mut open = Vec::new();
        short_string(&mut open, vhost.name().as_bytes());
        open.extend([0, 0]);
        wire.call(0, (10, 40), &open, (10, 41));
        wire.call(1, (20, 10), &[0], (20, 11));
        wire.call(1, (85, 10), &[0], (85, 11));
        wire
    }

    /// Sends a message without waiting for its confirm.
    ///
    /// # Errors
    ///
    /// When the broker has closed the connection.
    pub fn publish(&mut self, sent: &Sent) -> Result<(), Refusal> {
        let mut arguments = vec![0, 0];
        short_string(&mut arguments, &sent.exchange);
        short_string(&mut arguments, &sent.key);
        arguments.push(0);
        let mut bytes = method(1, (60, 40), &arguments);
        let mut header = vec![0, 60, 0, 0];
        header.extend((sent.body.len() as u64).to_be_bytes());
        header.extend(&sent.properties);
        bytes.extend(frame(2, 1, &header));
        for part in sent.body.chunks(FRAME_MAX as usize - 8) {
            bytes.extend(frame(3, 1, part));
        }
        self.published += 1;
        self.unconfirmed.insert(self.published);
        match self.stream.write_all(&bytes) {
            Ok(()) => Ok(()),
            // What it said before it closed can still be read.
            Err(_) => self.settle(),
        }
    }

    /// Waits until everything sent is confirmed.
    ///
    /// # Errors
    ///
    /// When the broker closes channel or connection instead.
    ///
    /// # Panics
    ///
    /// When it says nothing in time, or rejects.
    pub fn settle(&mut self) -> Result<(), Refusal> {
        let deadline = Instant::now() + PATIENCE;
        while !self.unconfirmed.is_empty() {
            assert!(Instant::now() < deadline, "not confirmed of {}: {:?}", self.published, self.unconfirmed);
            match self.frame(Duration::from_secs(1)) {
                Ok(Some(frame)) => self.take_in(&frame)?,
                Ok(None) => {}
                Err(text) => return Err(Refusal { code: 0, text }),
            }
        }
        Ok(())
    }

    /// Declares a queue of this connection with a name of the broker's making.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    #[must_use]
    pub fn own_queue(&mut self) -> Vec<u8> {
        let declared = self.call(1, (50, 10), &[0, 0, 0, 0b100, 0, 0, 0, 0], (50, 11));
        Reader::new(&declared).short_string().expect("a name").to_vec()
    }

    /// Binds a queue.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn bind(&mut self, queue: &str, exchange: &str, key: &str) {
        let mut arguments = vec![0, 0];
        for name in [queue, exchange, key] {
            short_string(&mut arguments, name.as_bytes());
        }
        arguments.extend([0, 0, 0, 0, 0]);
        self.call(1, (50, 20), &arguments, (50, 21));
    }

    /// Subscribes without acknowledgements, under this name.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn consume(&mut self, queue: &[u8], tag: &str) {
        let mut arguments = vec![0, 0];
        short_string(&mut arguments, queue);
        short_string(&mut arguments, tag.as_bytes());
        arguments.extend([0b10, 0, 0, 0, 0]);
        self.call(1, (60, 20), &arguments, (60, 21));
    }

    /// The next delivery, if one comes within this time.
    ///
    /// # Panics
    ///
    /// When the broker ends the subscription.
    pub fn next(&mut self, within: Duration) -> Option<Received> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(received) = self.deliveries.pop_front() {
                return Some(received);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            if let Some(frame) = self.frame(left.max(Duration::from_millis(1))).expect("the connection lives") {
                self.take_in(&frame).expect("the channel lives");
            }
        }
    }

    fn take_in(&mut self, frame: &Frame) -> Result<(), Refusal> {
        let mut reader = Reader::new(&frame.payload);
        match (frame.kind, frame.method()) {
            (1, (60, 80)) => {
                reader.skip(4);
                let tag = reader.u64().expect("a tag");
                if reader.u8() == Some(1) {
                    self.unconfirmed = self.unconfirmed.split_off(&(tag + 1));
                } else {
                    self.unconfirmed.remove(&tag);
                }
            }
            (1, (60, 60)) => {
                reader.skip(4);
                let tag = reader.short_string().unwrap_or_default().to_vec();
                reader.skip(9);
                reader.short_string();
                let key = reader.short_string().unwrap_or_default().to_vec();
                let header = self.whole_frame();
                let mut reader = Reader::new(&header.payload);
                reader.skip(4);
                let size = usize::try_from(reader.u64().expect("a size")).expect("a size");
                let mut body = Vec::with_capacity(size);
                while body.len() < size {
                    body.extend(self.whole_frame().payload);
                }
                self.deliveries.push_back(Received { tag, key, properties: header.payload[12..].to_vec(), body });
            }
            (1, (10, 50) | (20, 40)) => {
                reader.skip(4);
                let code = reader.u16().unwrap_or_default();
                let text = String::from_utf8_lossy(reader.short_string().unwrap_or_default()).into_owned();
                return Err(Refusal { code, text });
            }
            (8, _) => {}
            other => panic!("the broker said {other:?}"),
        }
        Ok(())
    }

    fn call(&mut self, channel: u16, ids: (u16, u16), arguments: &[u8], answer: (u16, u16)) -> Vec<u8> {
        self.write(&method(channel, ids, arguments));
        self.expect(answer.0, answer.1)
    }

    fn expect(&mut self, class: u16, method: u16) -> Vec<u8> {
        let frame = self.whole_frame();
        let words = String::from_utf8_lossy(&frame.payload).into_owned();
        assert_eq!((frame.kind, frame.method()), (1, (class, method)), "the broker said {words:?}");
        frame.payload[4..].to_vec()
    }

    fn whole_frame(&mut self) -> Frame {
        self.frame(PATIENCE).expect("the connection lives").expect("the broker answers in time")
    }

    /// The next frame, `None` when none comes in time, or why there will be none.
    fn frame(&mut self, within: Duration) -> Result<Option<Frame>, String> {
        let mut chunk = vec![0; 65_536];
        loop {
            if let Some(frame) = Frame::cut_off(&mut self.received) {
                return Ok(Some(frame));
            }
            self.stream.set_read_timeout(Some(within)).expect("an option of the socket");
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err("the broker closed the connection".to_owned()),
                Ok(count) => self.received.extend(&chunk[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection lives");
    }
}
