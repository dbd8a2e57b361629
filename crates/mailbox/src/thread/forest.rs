//! Trees of which two may be joined and one may be cut, where it can be asked whose tree something is in.
//!
//! Joining parent and child by the References field must not make a loop (RFC 5256 §3), which takes the root of a
//! tree. Walking up costs as much as the tree is deep, and whoever sends mail decides how deep that is; so the trees
//! are kept as link-cut trees, in which every question costs logarithmic time on average, however the trees look.

/// No node.
const NONE: u32 = u32::MAX;

/// Nodes from 0 on. Each has a parent or is a root.
///
/// Besides the parents as they are, paths of the trees are kept as splay trees: `left` is towards the root of the
/// tree, `right` away from it. The parent of a splay tree's root (`above`, which does not have it as a child) is the
/// node on another path that its uppermost node hangs from.
#[derive(Debug, Default)]
pub(super) struct Forest {
    parent: Vec<u32>,
    above: Vec<u32>,
    left: Vec<u32>,
    right: Vec<u32>,
}

impl Forest {
    /// Adds a root.
    pub fn add(&mut self) -> u32 {
        let node = u32::try_from(self.parent.len()).expect("the caller bounds the number of nodes");
        self.parent.push(NONE);
        self.above.push(NONE);
        self.left.push(NONE);
        self.right.push(NONE);
        node
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// The parent of a node, if it has one.
    pub fn parent(&self, node: u32) -> Option<u32> {
        let parent = self.parent[node as usize];
        (parent != NONE).then_some(parent)
    }

    /// Makes `parent` the parent of `root`, unless that would make a loop.
    pub fn link(&mut self, parent: u32, root: u32) {
        debug_assert_eq!(self.parent(root), None);
        if self.root_of(parent) == root {
            return;
        }
        self.splay(root);
        self.above[root as usize] = parent;
        self.parent[root as usize] = parent;
    }

    /// Makes a node a root.
    pub fn cut(&mut self, node: u32) {
        if self.parent(node).is_none() {
            return;
        }
        self.access(node);
        let upper = std::mem::replace(&mut self.left[node as usize], NONE);
        if upper != NONE {
            self.above[upper as usize] = NONE;
        }
        self.parent[node as usize] = NONE;
    }

    /// The root of the tree that a node is in.
    fn root_of(&mut self, node: u32) -> u32 {
        self.access(node);
        let mut root = node;
        while self.left[root as usize] != NONE {
            root = self.left[root as usize];
        }
        // What was walked past is paid for by this.
        self.splay(root);
        root
    }

    /// Makes the way from the tree's root to `node` one path, with `node` at the top of its splay tree.
    fn access(&mut self, node: u32) {
        self.splay(node);
        self.right[node as usize] = NONE;
        while self.above[node as usize] != NONE {
            let other = self.above[node as usize];
            self.splay(other);
            self.right[other as usize] = node;
            self.splay(node);
        }
    }

    /// Whether a node is at the top of its splay tree.
    fn is_top(&self, node: u32) -> bool {
        let above = self.above[node as usize];
        above == NONE || (self.left[above as usize] != node && self.right[above as usize] != node)
    }

    fn splay(&mut self, node: u32) {
        while !self.is_top(node) {
            let above = self.above[node as usize];
            if !self.is_top(above) {
                let over = self.above[above as usize];
                let straight = (self.left[over as usize] == above) == (self.left[above as usize] == node);
                self.rotate(if straight { above } else { node });
            }
            self.rotate(node);
        }
    }

    /// Puts a node in the place of the one above it, in the same splay tree.
    fn rotate(&mut self, node: u32) {
        let above = self.above[node as usize];
        let over = self.above[above as usize];
        if !self.is_top(above) {
            let side = if self.left[over as usize] == above { &mut self.left } else { &mut self.right };
            side[over as usize] = node;
        }
        self.above[node as usize] = over;
        let moved = if self.left[above as usize] == node {
            let moved = std::mem::replace(&mut self.right[node as usize], above);
            self.left[above as usize] = moved;
            moved
        } else {
            let moved = std::mem::replace(&mut self.left[node as usize], above);
            self.right[above as usize] = moved;
            moved
        };
        if moved != NONE {
            self.above[moved as usize] = above;
        }
        self.above[above as usize] = node;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(parents: &[Option<usize>], mut node: usize) -> usize {
        while let Some(parent) = parents[node] {
            node = parent;
        }
        node
    }

    proptest! {
        #[test]
        fn behaves_like_plain_parents(steps in prop::collection::vec((any::<bool>(), 0_usize..24, 0_usize..24), 0..400)) {
            let mut forest = Forest::default();
            let mut parents = vec![None; 24];
            for _ in 0..24 {
                forest.add();
            }
            for (link, node, parent) in steps {
                if !link {
                    forest.cut(node as u32);
                    parents[node] = None;
                } else if parents[node].is_none() {
                    forest.link(parent as u32, node as u32);
                    if root(&parents, parent) != node {
                        parents[node] = Some(parent);
                    }
                }
                let ours: Vec<_> = (0..24).map(|node| forest.parent(node).map(|parent| parent as usize)).collect();
                prop_assert_eq!(&ours, &parents);
            }
        }
    }

    #[test]
    fn a_chain_costs_little_however_long_it_is() {
        let mut forest = Forest::default();
        let first = forest.add();
        for _ in 0..100_000 {
            let last = forest.len() as u32 - 1;
            let next = forest.add();
            forest.link(last, next);
            // The other way round it would be a loop.
            forest.link(next, first);
            assert_eq!(forest.parent(first), None);
        }
    }
}
