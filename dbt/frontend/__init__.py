"""Guest bytes -> IR. One package an architecture; the packages never import each other."""
