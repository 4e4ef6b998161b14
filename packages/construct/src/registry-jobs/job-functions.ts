import type { JobsEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ShippedCode } from '../shipped-assets';
import type { SociIndexBuilderProps } from '../soci-index-builder-props';
import { addPolicy, createFunction } from '../workflow-function';
import { allowReadingClusters, type SociGarbageCollection } from './garbage-collection';

/** The functions of a state machine. Each has a role of its own. */
export interface JobFunctions {
  readonly plan: LambdaFunction;
  readonly list: LambdaFunction;
  readonly merge: LambdaFunction;
  readonly report: LambdaFunction;
  /** Only if garbage is collected. */
  readonly collect?: LambdaFunction;
}

/** What the functions of a state machine have in common. */
export interface JobFunctionsProps {
  readonly common: Pick<SociIndexBuilderProps, 'architecture' | 'logRetention' | 'permissionsBoundary'>;
  readonly environment: JobsEnvironment;
  /** Name of the service in logs and metrics. */
  readonly service: string;
  readonly bucket: IBucket;
  readonly eventBus: IEventBus;
  /** ARNs of the listed repositories, possibly with wildcards. */
  readonly repositoryArns: readonly string[];
  readonly garbageCollection?: SociGarbageCollection | undefined;
}

/** Creates the functions with the least permissions. */
export function createJobFunctions(scope: Construct, props: JobFunctionsProps): JobFunctions {
  const { bucket, repositoryArns, eventBus, garbageCollection } = props;
  const anyRepository = Stack.of(scope).formatArn({
    service: 'ecr',
    resource: 'repository',
    resourceName: '*',
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  const allow = (actions: string[], resources: readonly string[]) =>
    new PolicyStatement({ actions, resources: [...resources] });
  const [write, read, find] = [
    allow(['s3:PutObject'], [runsArn(bucket)]),
    allow(['s3:GetObject'], [runsArn(bucket)]),
    allow(['s3:ListBucket'], [bucket.bucketArn]),
  ];
  const create = (name: keyof JobFunctions, memorySize: number, description: string, statements: PolicyStatement[]) => {
    const id = `${name[0]?.toUpperCase()}${name.slice(1)}Function`;
    const created = createFunction(scope, id, props.common, {
      description,
      code: new ShippedCode('jobs.zip'),
      handler: `${name}.handler`,
      memorySize,
      timeout: Duration.minutes(15),
      environment: { ...props.environment, POWERTOOLS_SERVICE_NAME: props.service },
    });
    addPolicy(scope, `${id}Policy`, created, statements);
    return created;
  };
  const keys = (...prefixes: string[]) => prefixes.map((prefix) => bucket.arnForObjects(`${prefix}/*`));
  /** Its policies are apart, because the plain template has conditions for them. */
  const createCollect = ({ clusters, otherImagesInUse, delete: deletes }: SociGarbageCollection) => {
    const hasLists = otherImagesInUse.value !== 'none';
    // 2,000 manifests with their undo log, and what is known of 100,000 manifests.
    const collect = create(
      'collect',
      2048,
      'Finds the garbage of a repository, and deletes it if this is switched on.',
      [
        allow(['ecr:DescribeImages', 'ecr:BatchGetImage'], repositoryArns),
        find,
        allow(['s3:GetObject'], keys('started', ...(hasLists ? ['in-use'] : []))),
        write,
      ],
    );
    if (clusters !== undefined) {
      addPolicy(scope, 'CollectFunctionClustersPolicy', collect, allowReadingClusters(clusters));
    }
    if (deletes === true) {
      addPolicy(scope, 'CollectFunctionDeletePolicy', collect, [
        allow(['ecr:BatchDeleteImage'], repositoryArns),
        allow(['s3:PutObject'], keys('started', 'undo')),
      ]);
    }
    return collect;
  };
  return {
    ...(garbageCollection && { collect: createCollect(garbageCollection) }),
    plan: create('plan', 256, 'Writes the names of the repositories of a run.', [
      allow(['ecr:DescribeRepositories'], [anyRepository]),
      write,
    ]),
    // A repository of 100,000 images needs 200 MB.
    list: create('list', 1024, 'Finds the images of a repository that have no current SOCI index.', [
      // The manifests of indexes name the image and the settings that they were made of.
      allow(['ecr:DescribeImages', 'ecr:BatchGetImage'], repositoryArns),
      write,
    ]),
    // A run of 500,000 images needs 500 MB.
    merge: create('merge', 2048, 'Merges the images of all repositories into one list.', [find, read, write]),
    report: create('report', 1024, 'Writes the report of a run.', [
      find,
      read,
      write,
      allow(['events:PutEvents'], [eventBus.eventBusArn]),
    ]),
  };
}

/** Returns the ARN of all objects of runs. */
export function runsArn(bucket: IBucket): string {
  return bucket.arnForObjects('runs/*');
}
