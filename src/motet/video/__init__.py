"""From notes to pictures: what moves what, Parseq manifests, Deforum's servers, a painter of our own, and measured sync."""
