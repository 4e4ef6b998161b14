import { createHash } from 'node:crypto';
import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { type Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allowIndexing } from './generator-function';
import { REPOSITORY_ACTIONS } from './indexed-repositories';
import { fail } from './property-types';
import { ShippedCode } from './shipped-assets';
import type { SociIndexedImageOptions } from './soci-indexed-image-props';
import { addPolicy, createFunction } from './workflow-function';

const ID = 'SociIndexedImageFunction';

const DEFAULT_MEMORY = 1769;
const DEFAULT_SECONDS = 900;

/** Maximum length of a role's policies without the other statements, in characters. @see IAM User Guide, "IAM and AWS STS quotas" */
const MAX_POLICY_LENGTH = 10_240 - 1_024;

/** Upper bound for the length of a statement without its actions. */
const STATEMENT_LENGTH = 450;

/**
 * Function that all indexed images of a stack share. It runs the generator's code with another handler.
 *
 * There is only one, and its logical id never changes: CloudFormation does not let a custom resource change its function, and
 * replacing the resource would delete the index that the new resource has just found.
 */
export class SociIndexedImageFunction extends Construct {
  /** Returns the function of the construct's stack, and creates it on the first call. */
  public static of(scope: Construct, options: SociIndexedImageOptions): SociIndexedImageFunction {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(ID) as SociIndexedImageFunction | undefined;
    const found = existing ?? new SociIndexedImageFunction(stack, ID, scope, options);
    found.addImage(scope, options);
    return found;
  }

  public readonly handler: LambdaFunction;

  /** Contains the function and the permissions that do not depend on an image. */
  public readonly base: Construct;

  private readonly first: { readonly scope: Construct; readonly options: SociIndexedImageOptions };
  private memorySize = 0;
  private seconds = 0;
  private policyLength = 0;

  private constructor(stack: Stack, id: string, scope: Construct, options: SociIndexedImageOptions) {
    super(stack, id);
    this.first = { scope, options };
    this.base = new Construct(this, 'Base');
    const { architecture, logRetention, permissionsBoundary, vpc } = options;
    const common = { architecture, logRetention, permissionsBoundary };
    this.handler = createFunction(this.base, 'Function', common, {
      description: 'Builds a SOCI index for an image in Amazon ECR during deployment, and deletes it with the stack.',
      code: new ShippedCode('generator.zip'),
      memorySize: Lazy.number({ produce: () => this.memorySize }),
      timeout: Duration.seconds(Lazy.number({ produce: () => this.seconds })),
      handler: 'deploy.handler',
      vpc,
    });
    allowIndexing(this.base, 'TokenPolicy', this.handler, vpc);
  }

  /**
   * Allows the function to index images of a repository and, with `canDelete`, to delete them. The custom resources depend on
   * the returned policies, so the policies are deleted after the last of them.
   */
  public allowRepository(scope: Construct, repository: IRepository, canDelete: boolean): Policy[] {
    const policies = [this.allowActions(scope, 'Repository', REPOSITORY_ACTIONS, repository)];
    if (canDelete) policies.push(this.allowActions(scope, 'Removal', ['ecr:BatchDeleteImage'], repository));
    return policies;
  }

  /** Allows the function to invoke itself, to index an image in the background. */
  public allowSelfInvoke(): Policy {
    const existing = this.node.tryFindChild('LaterPolicy') as Policy | undefined;
    const { functionArn } = this.handler;
    const statement = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] });
    return existing ?? addPolicy(this, 'LaterPolicy', this.handler, [statement]);
  }

  private allowActions(scope: Construct, name: string, actions: string[], { repositoryArn }: IRepository): Policy {
    // Each asset has its own construct for the same repository, so compare resolved ARNs.
    const resolved = JSON.stringify(Stack.of(this).resolve(repositoryArn));
    const id = `${name}Policy${createHash('sha256').update(resolved).digest('hex').slice(0, 8)}`;
    const existing = this.node.tryFindChild(id) as Policy | undefined;
    if (existing !== undefined) return existing;
    this.policyLength += JSON.stringify(actions).length + STATEMENT_LENGTH;
    if (this.policyLength > MAX_POLICY_LENGTH) {
      const problem =
        'the images of the stack are in more repositories than the policies of one role can list: use another stack';
      fail(scope, 'repository', problem);
    }
    return addPolicy(this, id, this.handler, [new PolicyStatement({ actions, resources: [repositoryArn] })]);
  }

  /** Raises memory and timeout for another image, and checks the settings that all images share. */
  private addImage(scope: Construct, options: SociIndexedImageOptions): void {
    this.memorySize = Math.max(this.memorySize, options.memorySize ?? DEFAULT_MEMORY);
    this.seconds = Math.max(this.seconds, options.timeout?.toSeconds() ?? DEFAULT_SECONDS);
    const [shared, first] = [this.sharedSettings(options), this.sharedSettings(this.first.options)];
    for (const [name, value] of Object.entries(shared)) {
      if (value === first[name]) continue;
      const problem = `it differs from that of ${this.first.scope.node.path}, which shares the function: use the same value for all images of a stack, or another stack`;
      fail(scope, name, problem);
    }
  }

  /** Returns the settings that must be the same for all images of a stack, as comparable strings. */
  private sharedSettings(options: SociIndexedImageOptions): { readonly [name: string]: string } {
    const { architecture = Architecture.X86_64, logRetention, permissionsBoundary, vpc } = options;
    return {
      architecture: architecture.name,
      logRetention: String(logRetention),
      permissionsBoundary: JSON.stringify(Stack.of(this).resolve(permissionsBoundary?.managedPolicyArn) ?? ''),
      vpc: vpc?.node.path ?? '',
    };
  }
}
