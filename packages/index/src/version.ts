/** Version of this package, equal to that in package.json. `npm run release:version` writes both. */
export const TOOL_VERSION = '0.0.0';
