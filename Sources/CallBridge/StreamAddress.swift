public import Trunk

/// The address of a media stream.
public enum StreamAddress {
    /// Reads a `ws` or `wss` URL.
    public static func target(_ url: String, authorityFile: String? = nil) throws(ModelEndpoint.Failure) -> DialTarget {
        try ModelEndpoint(url: url, model: "", key: "", authorityFile: authorityFile).dialTarget
    }
}
