import type { TestRegistry } from '@soci/test-registry';
import { runWell } from '../../registries/run-program.ts';
import { toolPath } from '../../tools/tools.ts';

/** Result of the reference. See conformance/reference/pull.go. */
interface Pulled {
  /** Number of images for a platform. */
  readonly platforms: number;
  /** Digests of the SOCI indexes, one for each indexed platform. */
  readonly indexes: readonly string[];
  readonly ztocs: number;
  /** Number of files that were extracted with the right content. */
  readonly files: number;
  readonly problems: readonly string[];
}

/**
 * Pulls the SOCI indexes of an image with the reference's code for starting containers, and reads files through them.
 */
export async function pullByReference({ host, credentials }: TestRegistry, image: string): Promise<Pulled> {
  const env = { REGISTRY_USER: credentials.username, REGISTRY_PASSWORD: credentials.password };
  return JSON.parse((await runWell(toolPath('reference'), ['pull', `${host}/${image}`], { env })).toString()) as Pulled;
}
