//! Which spans have the same attributes: the same keys and kinds in the same order.

/// Slots at first; a slot is 4 bytes.
const FIRST_SLOTS: usize = 64;

/// The shapes of a batch, as a tree: each attribute leads from what came before it to a node.
#[derive(Debug)]
pub(super) struct Shapes {
    nodes: Vec<Node>,
    /// The node at which each shape ends.
    ends: Vec<u32>,
    /// Nodes by what leads to them; open addressing, at most every other slot is taken. 0 is the root, to
    /// which nothing leads: free.
    slots: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    parent: u32,
    key: u32,
    kind: u16,
    /// How many attributes lead here.
    depth: u16,
    /// Where the last span went on.
    next: u32,
    /// One more than the shape that ends here; 0: none does.
    shape: u32,
}

impl Default for Shapes {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], ends: Vec::new(), slots: vec![0; FIRST_SLOTS] }
    }
}

impl Shapes {
    /// Where a span without attributes is.
    pub(super) const ROOT: u32 = 0;

    /// One attribute on from a node.
    #[inline]
    pub(super) fn step(&mut self, from: u32, key: u32, kind: u16) -> u32 {
        let guess = self.nodes[from as usize].next;
        let node = &self.nodes[guess as usize];
        // The root is nobody's child: it has no depth.
        if node.depth != 0 && (node.key, node.kind) == (key, kind) {
            return guess;
        }
        let next = self.find(from, key, kind);
        self.nodes[from as usize].next = next;
        next
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
        let depth = self.nodes[parent as usize].depth.saturating_add(1);
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

    /// The number of the shape that ends at a node, which is added if it is new.
    #[inline]
    pub(super) fn shape(&mut self, node: u32) -> u32 {
        let at = &mut self.nodes[node as usize];
        if at.shape == 0 {
            self.ends.push(node);
            at.shape = self.ends.len() as u32;
        }
        at.shape - 1
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// How many attributes all shapes have together.
    pub(super) fn attributes_in_all(&self) -> usize {
        self.ends.iter().map(|end| usize::from(self.nodes[*end as usize].depth)).sum()
    }

    /// The keys and kinds of a shape's attributes into `to`.
    pub(super) fn attributes(&self, shape: usize, to: &mut Vec<(u32, u16)>) {
        to.clear();
        let mut at = self.ends[shape];
        while at != Self::ROOT {
            let node = self.nodes[at as usize];
            to.push((node.key, node.kind));
            at = node.parent;
        }
        to.reverse();
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.nodes.push(Node::default());
        self.ends.clear();
        self.slots.fill(0);
    }
}
