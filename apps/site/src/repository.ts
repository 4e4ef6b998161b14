import { readRootManifest, repositoryAddress } from '../../../scripts/release/manifest.ts';

/**
 * Returns the web address of the repository without a slash at its end: that of package.json, or that of the GitHub workflow that
 * runs. Returns undefined if neither is known.
 */
export function findRepositoryAddress(): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  return repositoryAddress(readRootManifest()) ?? (server && name ? `${server}/${name}` : undefined);
}
