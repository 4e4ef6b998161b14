import { createHash } from 'node:crypto';
import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { type Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { fail } from './check-props';
import { allowIndexing } from './generator-function';
import { REPOSITORY_ACTIONS } from './indexed-repositories';
import { ShippedCode } from './shipped-assets';
import type { SociIndexedImageOptions } from './soci-indexed-image-props';
import { allow, createFunction } from './workflow-function';

const ID = 'SociIndexedImageFunction';

const DEFAULT_MEMORY = 1769;
const DEFAULT_SECONDS = 900;

/** Characters of a role's policies, less what the other statements take. @see IAM User Guide, "IAM and AWS STS quotas" */
const MAX_POLICY_LENGTH = 10_240 - 1_024;

/** Characters of a statement beside its actions, with the ARN of a repository whose name is long. */
const STATEMENT_LENGTH = 450;

/**
 * The function that the images of a stack share: the generator's code, with another way in.
 *
 * There is one, whatever is asked of it, and its name in the template never changes: CloudFormation does not let a resource change
 * over to another function, and to make the resource anew would delete the index that the new one has just found.
 */
export class SociIndexedImageFunction extends Construct {
  /** The one of the stack that a construct is in. */
  public static of(scope: Construct, options: SociIndexedImageOptions): SociIndexedImageFunction {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(ID) as SociIndexedImageFunction | undefined;
    const found = existing ?? new SociIndexedImageFunction(stack, ID, scope, options);
    found.add(scope, options);
    return found;
  }

  public readonly handler: LambdaFunction;

  /** The function with all that it takes, whatever the image. */
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
      description:
        'Builds a SOCI index for an image in Amazon ECR while a stack is deployed, and deletes it with the stack.',
      code: new ShippedCode('generator.zip'),
      memorySize: Lazy.number({ produce: () => this.memorySize }),
      timeout: Duration.seconds(Lazy.number({ produce: () => this.seconds })),
      handler: 'deploy.handler',
      vpc,
    });
    allowIndexing(this.base, 'TokenPolicy', this.handler, vpc);
  }

  /**
   * Allows the function to index images of a repository, and to delete them where it is to. In policies that the images depend
   * on: they go after the last image of the repository.
   */
  public allowRepository(scope: Construct, repository: IRepository, isRemoved: boolean): Policy[] {
    const policies = [this.allowActions(scope, 'Repository', REPOSITORY_ACTIONS, repository)];
    if (isRemoved) policies.push(this.allowActions(scope, 'Removal', ['ecr:BatchDeleteImage'], repository));
    return policies;
  }

  /** Allows the function to call itself, for an index that nobody waits for. */
  public allowLater(): Policy {
    const existing = this.node.tryFindChild('LaterPolicy') as Policy | undefined;
    const { functionArn } = this.handler;
    const statement = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] });
    return existing ?? allow(this, 'LaterPolicy', this.handler, [statement]);
  }

  private allowActions(scope: Construct, name: string, actions: string[], { repositoryArn }: IRepository): Policy {
    // The assets of a stack have a construct each for the one repository that they are in.
    const resolved = JSON.stringify(Stack.of(this).resolve(repositoryArn));
    const id = `${name}Policy${createHash('sha256').update(resolved).digest('hex').slice(0, 8)}`;
    const existing = this.node.tryFindChild(id) as Policy | undefined;
    if (existing !== undefined) return existing;
    this.policyLength += JSON.stringify(actions).length + STATEMENT_LENGTH;
    if (this.policyLength > MAX_POLICY_LENGTH) {
      const problem =
        'the images of the stack are in more repositories than the policies of a role have room for: use another stack';
      fail(scope, 'repository', problem);
    }
    return allow(this, id, this.handler, [new PolicyStatement({ actions, resources: [repositoryArn] })]);
  }

  /** Makes sure that the function does for another image. */
  private add(scope: Construct, options: SociIndexedImageOptions): void {
    this.memorySize = Math.max(this.memorySize, options.memorySize ?? DEFAULT_MEMORY);
    this.seconds = Math.max(this.seconds, options.timeout?.toSeconds() ?? DEFAULT_SECONDS);
    const [asked, given] = [this.sharedOf(options), this.sharedOf(this.first.options)];
    for (const [name, value] of Object.entries(asked)) {
      if (value === given[name]) continue;
      const problem = `it is another than that of ${this.first.scope.node.path}, with which it shares a function: give all images of a stack the same, or use another stack`;
      fail(scope, name, problem);
    }
  }

  /** What the images of a stack have in common, as they have one function; in texts, to compare. */
  private sharedOf(options: SociIndexedImageOptions): { readonly [name: string]: string } {
    const { architecture = Architecture.X86_64, logRetention, permissionsBoundary, vpc } = options;
    return {
      architecture: architecture.name,
      logRetention: String(logRetention),
      permissionsBoundary: JSON.stringify(Stack.of(this).resolve(permissionsBoundary?.managedPolicyArn) ?? ''),
      vpc: vpc?.node.path ?? '',
    };
  }
}
