/** Version of this package, kept equal to its package.json: `npm run release:version` writes both. */
export const TOOL_VERSION = '0.0.0';
