package import Runner

/// Who asks for a page.
package struct Visitor: Sendable {
    package var name: String
    /// As it is shown: `viewer`, `operator`, `editor`, `admin`.
    package var role: String
    package var rights: Set<Permission>
    /// Stands in every form of theirs, so that no other site's form can act in their name.
    package var formToken: String
    /// Where the request came from.
    package var address: String

    package init(name: String, role: String, rights: Set<Permission>, formToken: String, address: String = "") {
        self.name = name
        self.role = role
        self.rights = rights
        self.formToken = formToken
        self.address = address
    }

    package func may(_ right: Permission) -> Bool { rights.contains(right) }
}
