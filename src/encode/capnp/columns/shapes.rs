//! Which spans have the same attributes: the same keys and kinds in the same order.

/// Slots at first; a slot is 4 bytes.
const FIRST_SLOTS: usize = 64;

/// The shapes of a batch, as a tree: each attribute leads from what came before it to a node. A span mostly goes
/// the way of one before it, and that way stands in `steps`.
#[derive(Debug)]
pub(super) struct Shapes {
    nodes: Vec<Node>,
    /// The node at which each shape ends.
    ends: Vec<u32>,
    /// Nodes by what leads to them; open addressing, at most every other slot is taken. 0 is the root, to
    /// which nothing leads: free.
    slots: Vec<u32>,
    /// The way to each shape, one behind the other, a stop behind each of them. The first one is a stop.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    parent: u32,
    key: u32,
    /// How many attributes lead here.
    depth: u32,
    kind: u16,
    /// The step that the last span took from here.
    next: u32,
    /// One more than the shape that ends here; 0: none does.
    shape: u32,
}

/// An attribute that is expected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Where it leads.
    pub(super) node: u32,
    pub(super) key: Text,
    /// The last one, if it is a text.
    pub(super) value: Text,
    pub(super) kind: u16,
}

/// A text, by its number and where it lies, as `Strings` has it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    pub(super) index: u32,
    pub(super) place: (u32, u32),
}

/// Where a span has got to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// What may come next.
    step: u32,
    /// The node where it is, if nothing is expected there.
    node: u32,
    /// Not all of it was as expected.
    is_new: bool,
}

/// Of no kind that there is.
const STOP: Step = Step {
    node: Shapes::ROOT,
    key: Text { index: 0, place: (0, 0) },
    value: Text { index: 0, place: (0, 0) },
    kind: u16::MAX,
};

impl Way {
    /// One attribute on, as it was expected.
    #[inline(always)]
    pub(super) fn go_on(&mut self) {
        self.step += 1;
    }
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            ends: Vec::new(),
            slots: vec![0; FIRST_SLOTS],
            steps: vec![STOP],
        }
    }
}

impl Shapes {
    /// Where a span without attributes is.
    const ROOT: u32 = 0;

    /// The way of a span.
    #[inline]
    pub(super) fn begin(&self) -> Way {
        Way { step: self.nodes[0].next, node: Self::ROOT, is_new: false }
    }

    #[inline]
    fn node(&self, way: Way) -> u32 {
        // In a row: before what comes behind a node is what leads to it.
        let before = way.step.checked_sub(1);
        before.map_or(way.node, |before| self.steps[before as usize].node)
    }

    /// What may come next.
    #[inline(always)]
    pub(super) fn expected(&mut self, way: Way) -> &mut Step {
        &mut self.steps[way.step as usize]
    }

    /// One attribute on, where it is another than expected.
    pub(super) fn turn(&mut self, way: &mut Way, key: u32, kind: u16) {
        let from = self.node(*way);
        way.node = self.find(from, key, kind);
        way.step = self.nodes[way.node as usize].next;
        way.is_new = true;
        if way.step != 0 {
            self.nodes[from as usize].next = way.step - 1;
        }
    }

    /// The number of the shape to which a way has led, which is added if it is new.
    #[inline]
    pub(super) fn shape(&mut self, way: Way, text: impl Fn(u32) -> (u32, u32)) -> u32 {
        let node = self.node(way);
        let shape = self.nodes[node as usize].shape;
        if way.is_new || shape == 0 {
            return self.turned(node, text);
        }
        shape - 1
    }

    fn turned(&mut self, node: u32, text: impl Fn(u32) -> (u32, u32)) -> u32 {
        let depth = self.nodes[node as usize].depth;
        if self.nodes[node as usize].shape == 0 {
            self.ends.push(node);
            self.nodes[node as usize].shape = self.ends.len() as u32;
            self.add_steps(node, text);
        }
        let Node { next, shape, .. } = self.nodes[node as usize];
        self.nodes[0].next = next - depth;
        shape - 1
    }

    /// The way to a new shape.
    fn add_steps(&mut self, end: u32, text: impl Fn(u32) -> (u32, u32)) {
        let first = self.steps.len();
        let mut at = end;
        while at != Self::ROOT {
            let Node { parent, key, kind, .. } = self.nodes[at as usize];
            let key = Text { index: key, place: text(key) };
            self.steps.push(Step { node: at, key, value: Text::default(), kind });
            at = parent;
        }
        self.steps[first..].reverse();
        for (next, step) in (first as u32 + 1..).zip(&self.steps[first..]) {
            self.nodes[step.node as usize].next = next;
        }
        self.nodes[0].next = first as u32;
        self.steps.push(STOP);
    }

    fn find(&mut self, parent: u32, key: u32, kind: u16) -> u32 {
        let mut at = self.place(parent, key, kind);
        loop {
            let index = self.slots[at];
            let node = &self.nodes[index as usize];
            if index == 0 {
                break;
            }
            if (node.parent, node.key, node.kind) == (parent, key, kind) {
                return index;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let index = self.nodes.len() as u32;
        let depth = self.nodes[parent as usize].depth + 1;
        self.nodes.push(Node { parent, key, kind, depth, next: 0, shape: 0 });
        self.slots[at] = index;
        if self.nodes.len() * 2 > self.slots.len() {
            self.slots.resize(self.slots.len() * 2, 0);
            self.fill();
        }
        index
    }

    fn fill(&mut self) {
        self.slots.fill(0);
        for index in 1..self.nodes.len() {
            let Node { parent, key, kind, .. } = self.nodes[index];
            let mut at = self.place(parent, key, kind);
            while self.slots[at] != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = index as u32;
        }
    }

    /// Keys are numbers of the batch's own, which nobody can choose.
    #[inline]
    fn place(&self, parent: u32, key: u32, kind: u16) -> usize {
        /// The golden ratio's digits, odd.
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let word = u64::from(parent) << 32 ^ u64::from(key) << 3 ^ u64::from(kind);
        (word.wrapping_mul(ODD) >> 32) as usize & (self.slots.len() - 1)
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// How many attributes all shapes have together.
    pub(super) fn attributes_in_all(&self) -> usize {
        // But for the first stop, and one behind each way.
        self.steps.len() - 1 - self.ends.len()
    }

    /// The attributes of each shape.
    pub(super) fn each(&self) -> impl Iterator<Item = &[Step]> {
        let mut rest = self.steps.get(1..).unwrap_or_default();
        self.ends.iter().map(move |end| {
            let length = self.nodes[*end as usize].depth as usize;
            let (steps, behind) = rest.split_at(length.min(rest.len()));
            rest = behind.get(1..).unwrap_or_default();
            steps
        })
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.nodes.push(Node::default());
        self.ends.clear();
        self.slots.fill(0);
        self.steps.truncate(1);
    }
}
