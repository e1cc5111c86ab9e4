import Testing
import WebUI

@Suite struct HTMLTests {
    @Test func textIsEscaped() {
        let name = "<b>\"O'Neil\" & Co</b>\u{1}"
        let html: HTML = "<td title=\"\(name)\">\(name)</td>"
        let safe = "&lt;b&gt;&quot;O&#39;Neil&quot; &amp; Co&lt;/b&gt;\u{FFFD}"
        #expect(html.source == "<td title=\"\(safe)\">\(safe)</td>")
    }

    @Test func markupIsNotEscapedAgain() {
        let inner: HTML = "<b>\("1 < 2")</b>"
        let outer: HTML = "<p>\(inner)\([inner, inner])\(nil as HTML?)\(7)</p>"
        #expect(outer.source == "<p><b>1 &lt; 2</b><b>1 &lt; 2</b><b>1 &lt; 2</b>7</p>")
    }
}
