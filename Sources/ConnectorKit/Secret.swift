/// A credential. It prints as `[secret]` everywhere; only `reveal` gives the text, and only the code that puts it on
/// the wire calls that.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    public init(_ text: String) { self.text = text }

    public func reveal() -> String { text }

    public var isEmpty: Bool { text.isEmpty }
    public var description: String { "[secret]" }
    public var debugDescription: String { "[secret]" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
