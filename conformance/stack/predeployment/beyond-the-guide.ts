import type { Operation } from './deployment-calls.ts';

const SAME_TYPES =
  "The schema of the type names it. AWS's own template has the same types, and is deployed with the permissions of the guide.";
const TAGS = 'For a stack that is given tags. The template has none.';
const BOUNDARY = 'Another boundary for roles that are there. When they are created CreateRole has it.';

/** A call that the policies of the guide do not allow. */
interface BeyondTheGuide {
  readonly action: string;
  readonly operations: readonly Operation[];
  /** When the call happens, and its consequence. */
  readonly reason: string;
}

/** All of these calls, with the user's own bucket, fixed names, and a stack name of at most 11 characters. */
export const BEYOND_THE_GUIDE: readonly BeyondTheGuide[] = [
  {
    action: 's3:GetObject',
    operations: ['create', 'update'],
    reason:
      "The guide's is for the buckets aws-quickstart-REGION, which are AWS's. Whoever deploys this has another one.",
  },
  { action: 'events:ListTargetsByRule', operations: ['create', 'update', 'delete'], reason: SAME_TYPES },
  { action: 'iam:ListAttachedRolePolicies', operations: ['create', 'update', 'delete'], reason: SAME_TYPES },
  { action: 'iam:ListRolePolicies', operations: ['create', 'update', 'delete'], reason: SAME_TYPES },
  { action: 'lambda:GetFunctionCodeSigningConfig', operations: ['create', 'update'], reason: SAME_TYPES },
  { action: 'lambda:GetRuntimeManagementConfig', operations: ['create', 'update'], reason: SAME_TYPES },
  { action: 'lambda:GetPolicy', operations: ['create', 'update'], reason: SAME_TYPES },
  { action: 'events:TagResource', operations: ['create', 'update'], reason: TAGS },
  { action: 'events:UntagResource', operations: ['update'], reason: TAGS },
  { action: 'events:ListTagsForResource', operations: ['update'], reason: TAGS },
  { action: 'iam:TagRole', operations: ['create', 'update'], reason: TAGS },
  { action: 'iam:UntagRole', operations: ['update'], reason: TAGS },
  { action: 'lambda:TagResource', operations: ['create', 'update'], reason: TAGS },
  { action: 'lambda:UntagResource', operations: ['update'], reason: TAGS },
  { action: 'lambda:ListTags', operations: ['update'], reason: TAGS },
  {
    action: 'lambda:UpdateFunctionCode',
    operations: ['update'],
    reason:
      'Newer code. The guide describes only updates of parameters. With its permissions alone, delete the stack and create it again.',
  },
  { action: 'iam:PutRolePermissionsBoundary', operations: ['update'], reason: BOUNDARY },
  { action: 'iam:DeleteRolePermissionsBoundary', operations: ['update'], reason: BOUNDARY },
];
