/// The pages' style sheet.
enum PageStyle {
    static let text = """
        :root { color-scheme: light dark; --line: #c5cad3; --soft: #f3f5f8; --text: #1b2330; --link: #0b57b0; }
        @media (prefers-color-scheme: dark) {
          :root { --line: #454d5a; --soft: #232a34; --text: #e6eaf0; --link: #8ab8ff; }
          body { background: #161b22; }
        }
        body { margin: 0; color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
        main { max-width: 80rem; margin: 0 auto; padding: 1rem; }
        h1 { font-size: 1.5rem; }
        a { color: var(--link); }
        a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        .scroll { overflow-x: auto; margin: 1.5rem 0; }
        table { border-collapse: collapse; width: 100%; }
        caption { text-align: left; font-weight: 600; font-size: 1.15rem; padding: .25rem 0; }
        th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
        thead th { background: var(--soft); white-space: nowrap; }
        tbody th { font-weight: 600; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        nav ul { display: flex; gap: 1.5rem; list-style: none; padding: 0; }

        """
}
