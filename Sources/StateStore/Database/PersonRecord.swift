/// Somebody who may sign in.
package struct PersonRecord: Sendable, Hashable {
    /// Given by the database; never given again.
    package var id: Int64 = 0
    package var name: String
    /// The form in which names are compared: two people differ in it.
    package var nameKey: String
    package var role: String
    /// The hash of the password with its salt and cost, as one text.
    package var password: String
    package var passwordChangedAt: Moment
    package var addedAt: Moment
    package var lastSeenAt: Moment?

    package init(name: String, nameKey: String, role: String, password: String, addedAt: Moment) {
        self.name = name
        self.nameKey = nameKey
        self.role = role
        self.password = password
        passwordChangedAt = addedAt
        self.addedAt = addedAt
    }
}

/// What became of a change to the people there are.
package enum PeopleChange: Sendable, Hashable {
    case done
    /// There is nobody of that name.
    case unknown
    /// Somebody has the name already, or, where the first one was to be made, there is one.
    case taken
    /// Nobody with the role that has to stay would have been left.
    case lastOne
}
