// Whether the task runs the image that the reference names, and whether its platform can load it lazily.
import { parseEcrHost } from '@soci/ecr';
import { shortDigest } from '../../terminal/quantity.ts';
import { printable } from '../../terminal/text.ts';
import { type Cause, found, notChecked, ruledOut } from '../cause.ts';
import type { Evidence, RuntimeName, TaskEvidence } from '../evidence.ts';
import { sociIndex } from '../names.ts';

const TASK_HINT = 'add --task-metadata FILE or --ecs CLUSTER/TASK';
const RUNTIME_HINT = 'add --runtime NAME, or a task';

/** First platform version of AWS Fargate that loads lazily. */
const FIRST_PLATFORM_VERSION = [1, 4, 0] as const;

/** Runtimes that do not use SOCI indexes, and what they are called. */
const UNSUPPORTED: { readonly [Name in RuntimeName]?: string } = {
  apprunner: 'AWS App Runner',
  'eks-fargate': 'Amazon EKS on AWS Fargate',
  lambda: 'AWS Lambda',
  'sagemaker-endpoint': 'Amazon SageMaker endpoints',
};

/** Reports whether the task runs what the reference leads to. Undefined if the evidence does not say. */
function runsImage({ registry, task }: Evidence): boolean | undefined {
  const digest = task?.container.digest;
  if (digest === undefined || registry.root === undefined) return undefined;
  const own = [registry.root, ...registry.platforms.map(({ descriptor }) => descriptor), registry.image?.config];
  return own.some((descriptor) => descriptor?.digest === digest);
}

/** Reports whether the container runs on the SOCI snapshotter. Undefined if the evidence does not say. */
export function runsLazily(evidence: Evidence): boolean | undefined {
  const snapshotter = evidence.task?.container.snapshotter;
  return snapshotter === undefined || runsImage(evidence) === false ? undefined : snapshotter === 'soci';
}

function describeContainer({ container, source }: TaskEvidence): string {
  const digest = container.digest === undefined ? '' : ` (${shortDigest(container.digest)})`;
  return `${source}: container ${printable(container.name)} runs ${printable(container.image)}${digest}`;
}

function redeploy({ cluster, service }: TaskEvidence): string {
  const [of, name] = [cluster?.split('/').at(-1) ?? 'CLUSTER', service ?? 'SERVICE'];
  return `Start new tasks: aws ecs update-service --cluster ${printable(of)} --service ${printable(name)} --force-new-deployment`;
}

export const DEPLOYED_BEFORE_INDEX: Cause = {
  id: 'deployed-before-index',
  title: 'the task was deployed before the index was built, or runs another image',
  check(evidence) {
    const { registry, task } = evidence;
    if (task === undefined) return notChecked('no task was given', TASK_HINT);
    const matches = runsImage(evidence);
    if (matches === undefined) return notChecked(`${describeContainer(task)}, without a digest`);
    if (matches) return ruledOut(`${describeContainer(task)}, which is what ${registry.name} refers to`);
    const digest = shortDigest(registry.root?.digest ?? '');
    const isNewer =
      registry.ecr?.pushedAt !== undefined && task.createdAt !== undefined && registry.ecr.pushedAt > task.createdAt;
    return found(
      'cause',
      `The task does not run what ${registry.name} refers to now. It runs ${shortDigest(task.container.digest ?? '')}.`,
      {
        read: [
          describeContainer(task),
          `${registry.name} refers to ${digest}`,
          ...(isNewer
            ? [
                `the task is older (${formatTime(task.createdAt)}) than this image (pushed ${formatTime(registry.ecr?.pushedAt)})`,
              ]
            : []),
        ],
        means:
          'Amazon ECS resolves a tag to a digest once per deployment. A tag that was pushed or moved later has no effect on running tasks, nor on tasks that replace them.',
        remedy: [`Make sure that the task definition names ${registry.name}`, redeploy(task)],
      },
    );
  },
};

function formatTime(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'at an unknown time' : `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

export const RAN_ON_OVERLAYFS: Cause = {
  id: 'ran-on-overlayfs',
  title: 'the task metadata says that the container runs on overlayfs',
  check(evidence) {
    const { registry, task } = evidence;
    if (task === undefined) return notChecked('no task was given', 'add --task-metadata FILE');
    const { snapshotter } = task.container;
    if (snapshotter === undefined)
      return notChecked(
        `${task.source} does not say which snapshotter the container uses`,
        'add --task-metadata FILE of a task on AWS Fargate',
      );
    if (snapshotter === 'soci')
      return ruledOut(`${task.source}: container ${printable(task.container.name)} uses the snapshotter soci`);
    return found(
      'cause',
      `The container ${printable(task.container.name)} runs on ${printable(snapshotter)}: this task pulled ${registry.name} whole.`,
      {
        read: [
          `${task.source}: Snapshotter is ${printable(snapshotter)} for container ${printable(task.container.name)}`,
        ],
        means:
          'AWS Fargate decides for each container. If the image is indexed, and no other cause was found, the index was added after this task started, or AWS Fargate could not read it with the execution role or through the VPC endpoints of the task.',
        remedy: [
          redeploy(task),
          'Allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer in the execution role, and s3:GetObject for arn:aws:s3:::prod-REGION-starport-layer-bucket/* in the policy of the S3 endpoint',
          `Check the content of the index: ${sociIndex('verify', '--sample', '100', registry.name)}`,
        ],
      },
    );
  },
};

export const TASK_UNSUPPORTED: Cause = {
  id: 'task-unsupported',
  title: 'the launch type, platform version or operating system of the task does not load lazily',
  check({ task }) {
    if (task === undefined) return notChecked('no task was given', TASK_HINT);
    const { launchType, platformVersion, platformFamily, source } = task;
    const read = [
      `${source}: ${
        [
          launchType && `launch type ${launchType}`,
          platformVersion && `platform version ${platformVersion}`,
          platformFamily && `platform ${platformFamily}`,
        ]
          .filter(Boolean)
          .map((part) => printable(String(part)))
          .join(', ') || 'no launch type'
      }`,
    ];
    if (/windows/i.test(platformFamily ?? '')) {
      return found('cause', 'Windows containers do not load lazily.', {
        read,
        means: 'SOCI needs Linux.',
        remedy: ['Run the container on Linux. For Windows, make the image smaller.'],
      });
    }
    if (launchType !== undefined && launchType !== 'FARGATE') {
      return found('cause', `Tasks with the launch type ${printable(launchType)} do not load lazily.`, {
        read,
        means:
          'AWS documents lazy loading with SOCI for Amazon ECS only on AWS Fargate. On EC2 instances, Amazon ECS starts containers with Docker, which does not use SOCI indexes.',
        remedy: ['Run the task on AWS Fargate (launch type FARGATE, Linux, platform version 1.4.0 or LATEST).'],
      });
    }
    if (platformVersion !== undefined && isOlder(platformVersion)) {
      return found('cause', `The platform version ${printable(platformVersion)} of AWS Fargate does not load lazily.`, {
        read,
        means: 'AWS Fargate loads lazily since platform version 1.4.0 of Linux.',
        remedy: ['Set the platform version of the service or task to 1.4.0 or LATEST.'],
      });
    }
    return launchType === undefined ? notChecked(`${source} does not say the launch type`) : ruledOut(read.join(', '));
  },
};

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  if (parts.some(Number.isNaN)) return false;
  for (const [i, first] of FIRST_PLATFORM_VERSION.entries()) {
    if ((parts[i] ?? 0) !== first) return (parts[i] ?? 0) < first;
  }
  return false;
}

export const RUNTIME_UNSUPPORTED: Cause = {
  id: 'runtime-unsupported',
  title: 'the service that runs the image does not use SOCI indexes',
  check({ runtime }) {
    if (runtime === undefined) return notChecked('the runtime is not known', RUNTIME_HINT);
    const service = UNSUPPORTED[runtime];
    if (service === undefined) return ruledOut(`the runtime is ${runtime}`);
    return found('cause', `${service} does not use SOCI indexes.`, {
      read: [`the runtime is ${runtime}`],
      means: `No documentation of AWS says that ${service} loads images lazily with SOCI. The index does no harm, and gains nothing there.`,
      remedy: [
        'Deploy the original image there. Run large images on Amazon ECS with AWS Fargate, in SageMaker jobs, or on nodes with soci-snapshotter.',
      ],
    });
  },
};

export const REGISTRY_UNSUPPORTED: Cause = {
  id: 'registry-unsupported',
  title: 'AWS Fargate does not load lazily from this registry or Region',
  check({ registry, runtime, task }) {
    if (runtime !== undefined && runtime !== 'fargate') return ruledOut(`the runtime is ${runtime}`);
    const ecr = parseEcrHost(registry.host);
    if (runtime === undefined && ecr === undefined)
      return notChecked(
        `${registry.host} is not a private registry of Amazon ECR, which matters only on AWS Fargate`,
        RUNTIME_HINT,
      );
    if (ecr === undefined) {
      return found(
        'cause',
        `AWS Fargate loads lazily only from private repositories of Amazon ECR, not from ${registry.host}.`,
        {
          read: [`the registry is ${registry.host}`, 'the runtime is AWS Fargate'],
          means: 'From other registries, also from Amazon ECR Public, AWS Fargate pulls images whole.',
          remedy: [
            `Copy the indexed image to Amazon ECR, with all of its manifests: skopeo copy --all docker://${registry.name} docker://ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPO:TAG`,
          ],
        },
      );
    }
    if (task?.region !== undefined && task.region !== ecr.region) {
      return found('cause', `The task runs in ${printable(task.region)}, but the image is in ${ecr.region}.`, {
        read: [`the registry is ${registry.host}`, `${task.source}: the task runs in ${printable(task.region)}`],
        means: 'AWS Fargate loads lazily from Amazon ECR in the Region of the task.',
        remedy: ['Replicate the repository to the Region of the task, and name the replica in the task definition.'],
      });
    }
    return task?.region === undefined
      ? notChecked(`the image is in ${ecr.region}; the Region of the task is not known`, TASK_HINT)
      : ruledOut(`task and image are in ${ecr.region}`);
  },
};
