import type { Operation } from './deployment-calls.ts';

const SAME_TYPES =
  "The resource type schema lists it. AWS's template has the same types and is deployed with the guide's permissions.";
const TAGS = 'Only for a stack with tags. The template has none.';
const BOUNDARY = 'Changes the boundary of existing roles. CreateRole sets it on new ones.';

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
    reason: 'The guide allows the buckets aws-quickstart-REGION of AWS. Users of this template have their own bucket.',
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
