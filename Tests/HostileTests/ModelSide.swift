import Testing

/// Everything that a model, or who stands in its place, can do to a server. One after the other: a witness must not be
/// harmed by another test's load.
@Suite(.serialized) enum ModelSide {}
