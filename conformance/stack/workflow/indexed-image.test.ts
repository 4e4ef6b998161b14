// Images that are indexed during a deployment. moto's CloudFormation runs the custom resources with the deployed code
// under the Runtime API. The tests compare their calls with the permissions of the deployed role.
import { openRegistry } from '@soci/registry';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTool } from '../../tools/tools.ts';
import { getFunction, getRolePolicies, listNames } from '../aws/deployed.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { bootstrap, DeployedStack } from '../aws/stack.ts';
import { allows, type Call, type Policy, unusedPermissions } from '../iam/policy.ts';
import { readTemplate, templatePath } from '../templates/templates.ts';
import { callsOfEcr, callsOfLog, callsOfRequests } from './calls.ts';
import { startRecordingProxy } from './recording-proxy.ts';

const TEMPLATE = 'indexed-images';
const REPOSITORY = 'prod/app';

/** Larger than 10 MiB, below which layers are not indexed. */
const LARGE = 12 << 20;

/** State after a step. */
interface Seen {
  readonly tags: readonly string[];
  /** Digest of the image in the output `Image`. */
  readonly deployed: string | undefined;
  /** Digest of the SOCI-enabled image of `v1`, and of `v2`. */
  readonly roots: readonly (string | undefined)[];
  /** Number of SOCI indexes that refer to the image that is indexed without waiting. */
  readonly referrers: number;
}

describe.skipIf(findTool('moto') === undefined)('a stack with images that it indexes', () => {
  let registry: TestRegistry;
  let moto: Moto;
  let created: Seen;
  let updated: Seen;
  let deleted: Seen;
  let leftOver: readonly string[];
  let policies: readonly Policy[];
  let calls: readonly Call[];

  beforeAll(async () => {
    registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true });
    const ecr = await startRecordingProxy(registry.awsEndpoint);
    moto = await startMoto({ soci_registry_host: registry.host, AWS_ENDPOINT_URL_ECR: ecr.endpoint });
    await bootstrap(moto.aws, [templatePath(TEMPLATE)]);
    // The base of the second image is indexed with the first one, that of the third with both.
    const base = makeLayer('base', LARGE);
    for (const tag of ['v1', 'v2', 'v3']) {
      registry.createRepository(REPOSITORY);
      await pushImage(registry, REPOSITORY, tag, makeImage([base, makeLayer(tag, LARGE)]));
    }
    const requests: TestRegistry['requests'][number][] = [];
    registry.clearRequests();
    const look = async (stack?: DeployedStack): Promise<Seen> => {
      requests.push(...registry.requests);
      const { Image } = stack === undefined ? {} : await stack.outputs();
      const seen = {
        tags: registry.tags(REPOSITORY),
        deployed: Image?.split('@')[1],
        roots: ['v1-soci', 'v2-soci'].map((tag) => registry.manifest(REPOSITORY, tag)?.digest),
        referrers: await countReferrers(registry, 'v3'),
      };
      // All following requests are those of the function.
      registry.clearRequests();
      return seen;
    };

    const stack = await DeployedStack.create(moto.aws, 'app', {}, templatePath(TEMPLATE));
    created = await look(stack);
    await stack.update({ Tag: 'v2' });
    updated = await look(stack);
    const indexer = await getFunction(moto.aws, stack, functionId());
    policies = await getRolePolicies(moto.aws, indexer);
    await stack.delete();
    deleted = await look();
    leftOver = await listNames(moto.aws);
    await ecr.stop();
    calls = [
      ...callsOfRequests(requests),
      ...callsOfEcr(ecr.calls),
      ...callsOfLog(indexer.FunctionName),
      ...laterRequests(moto).map(() => ({ action: 'lambda:InvokeFunction', resource: indexer.FunctionArn })),
    ];
  });
  afterAll(async () => {
    await Promise.all([moto.stop(), registry.stop()]);
  });

  test('indexes each image, with and without waiting, and deploys the indexed image', () => {
    expect(created).toMatchObject({ tags: ['v1', 'v1-soci', 'v2', 'v3'], deployed: created.roots[0], referrers: 1 });
    expect(laterRequests(moto)).toHaveLength(1);
  });

  test('indexes a changed image and deletes the previous index', () => {
    expect(updated).toMatchObject({ tags: ['v1', 'v2', 'v2-soci', 'v3'], deployed: updated.roots[1], referrers: 1 });
  });

  test('deletes only its indexes when it is deleted', () => {
    expect(deleted).toMatchObject({ tags: ['v1', 'v2', 'v3'], referrers: 0 });
    expect(leftOver).toEqual([]);
  });

  test('has a role that allows all calls of its function', () => {
    expect(calls.filter((call) => !allows(policies, call))).toEqual([]);
  });

  test('has a role that allows no other calls', () => {
    expect(unusedPermissions(policies, calls)).toEqual([]);
  });
});

/** Logical id of the function that the images share. */
function functionId(): string {
  const all = Object.entries(readTemplate(TEMPLATE).Resources).filter(
    ([, { Type }]) => Type === 'AWS::Lambda::Function',
  );
  const [[id] = [], ...others] = all;
  if (id === undefined || others.length > 0) throw new Error(`${TEMPLATE} has ${all.length} functions`);
  return id;
}

/** Returns the state objects that the function stored. */
function laterRequests({ customResources }: Moto): readonly unknown[] {
  return customResources.invocations.filter(
    ({ payload }) => (payload as { readonly RequestType: string }).RequestType === 'Later',
  );
}

async function countReferrers({ host, credentials }: TestRegistry, tag: string): Promise<number> {
  const client = openRegistry(host, { credentials: async () => ({ kind: 'password', ...credentials }) });
  try {
    const repository = client.repository(REPOSITORY);
    const found = await Array.fromAsync(repository.referrers(await repository.resolve(tag)));
    return found.length;
  } finally {
    client.close();
  }
}
