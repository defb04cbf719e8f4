/** What a message means, where its own words cannot say it: by how the message begins. */
export const MEANINGS: Readonly<Record<string, string>> = {};
