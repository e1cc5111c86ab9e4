internal import CWebAssets
internal import Records

/// A file of the pages, addressed by its content, so that browsers may keep it for ever.
struct Asset: Sendable {
    let name: String
    let type: String
    let bytes: [UInt8]

    init(_ stem: String, _ suffix: String, type: String, _ bytes: [UInt8]) {
        let hash = Hash128.of(String(decoding: bytes, as: UTF8.self), seed: 0).hexadecimal.prefix(12)
        name = "\(stem)-\(hash).\(suffix)"
        self.type = type
        self.bytes = bytes
    }

    var path: String { Place.asset(name).path }
}

/// The files that the program carries (`CWebAssets`).
enum Assets {
    static let style = Asset("style", "css", type: "text/css; charset=utf-8", unsafe read(sluice_web_style()))
    static let script = Asset("script", "js", type: "text/javascript; charset=utf-8", unsafe read(sluice_web_script()))
    static let icon = Asset("icon", "svg", type: "image/svg+xml", unsafe read(sluice_web_icon()))
    static let all = [style, script, icon]

    /// docs/errors.md.
    static let errors = unsafe String(decoding: read(sluice_web_errors()), as: UTF8.self)

    @unsafe private static func read(_ file: sluice_web_file) -> [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: file.bytes, count: file.count))
    }
}
