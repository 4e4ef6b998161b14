#!/bin/sh
# Deploys the SOCI index builder with the AWS CLI, version 1 or 2. Belongs next to the template and the zips: in the folder
# that `npm run stack:package` wrote, or in an unpacked cloudformation.tar.gz of a release.
set -eu

usage() {
  cat <<'END'
Usage: sh deploy.sh [OPTIONS] [PARAMETER=VALUE]...

Creates a bucket, uploads the zips of the functions, and deploys the template.
Run it again to change parameters or to update the functions: it changes only
what differs. Parameters that you omit keep their values.

  --stack-name NAME  stack to create or update (default: soci)
  --bucket NAME      bucket for the zips, in the Region of the stack
                     (default: soci-index-builder-ACCOUNT-REGION)
  --region REGION    Region of the stack (default: that of the AWS CLI)
  --profile NAME     profile of the AWS CLI
  --delete           delete the stack, and keep the bucket
  --help             print this help

Example: sh deploy.sh 'SociRepositoryImageTagFilters=prod/*:*' Alarms=true
END
}

fail() {
  printf 'deploy.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# ask COMMAND...: runs the AWS CLI. Sets $answer to its output, and $problem to its error if it fails.
ask() {
  answer=$(aws "$@" --output text 2>"$scratch/problem") || {
    problem=$(grep -v '^$' "$scratch/problem")
    return 1
  }
}

# The start of the SHA-256 digest of standard input.
short_digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}

# Sets $account. Its call to AWS is the first, so it finds what is wrong with the settings of the AWS CLI.
sign_in() {
  command -v aws >/dev/null || fail 'the AWS CLI is missing. Install it: https://aws.amazon.com/cli/'
  region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
  [ -n "$region" ] || fail 'no Region is set. Use --region, such as --region eu-west-1, or run "aws configure"'
  # Version 1 reads only the second variable.
  export AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
  ask sts get-caller-identity --query Account || case $problem in
    *'locate credentials'*) fail 'no credentials. Run "aws configure" or "aws sso login", or set AWS_PROFILE' ;;
    *'config profile'*) fail "$problem. List the profiles: aws configure list-profiles" ;;
    *Expired* | *SSO*) fail "the credentials have expired. Renew them, for example with \"aws sso login\". $problem" ;;
    *'connect to the endpoint'*) fail "cannot connect to AWS in the Region $region. Check its name and the network. $problem" ;;
    *) fail "AWS does not accept the credentials. Check them with \"aws sts get-caller-identity\". $problem" ;;
  esac
  account=$answer
}

# Sets $status of the stack, empty if it does not exist. Fails if the stack has another template.
find_stack() {
  status=''
  ask cloudformation describe-stacks --stack-name "$stack" \
    --query "Stacks[0].[StackStatus, join(' ', (Parameters[].ParameterKey) || [''])]" || case $problem in
    *'does not exist'*) return 0 ;;
    *) fail "cannot read the stack $stack. $problem" ;;
  esac
  status=${answer%%[[:space:]]*}
  case $answer in
    *GeneratorFunction*) fail "the stack $stack is one of registry jobs. Use another --stack-name" ;;
    REVIEW_IN_PROGRESS* | *SociRepositoryImageTagFilters*) ;;
    *) fail "the stack $stack is not a SOCI index builder. Use another --stack-name" ;;
  esac
}

# Sets $template, $zips and $prefix. The key prefix contains a digest of the zips, so CloudFormation updates the functions
# when their code changes.
find_package() {
  template=$(find "$(dirname "$0")" -path '*/templates/SociIndexBuilder.json' -type f | head -n 1)
  [ -n "$template" ] || fail "there is no template next to $0. Unpack cloudformation.tar.gz of a release, or run \"npm run stack:package -- package\", and run the deploy.sh that is there"
  zips=${template%/templates/*}/functions
  prefix=soci-index-builder/$(cd "$zips" && find . -name '*.zip' | LC_ALL=C sort | xargs cat | short_digest)/
}

# The AWS CLI ignores parameters that the template does not have.
check_parameters() {
  names=$(grep -oE '"[A-Za-z0-9]+":\{"Type":"(String|Number|CommaDelimitedList)"' "$template" | cut -d '"' -f 2)
  for parameter; do
    name=${parameter%%=*}
    case $name in QSS3*) fail "deploy.sh sets $name. Use --bucket to choose the bucket" 2 ;; esac
    echo "$names" | grep -qx "$name" || fail "the template has no parameter $name. It has: $(echo "$names" | grep -v QSS3 | xargs)" 2
  done
}

check_status() {
  case $status in
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED)
      fail_with_reasons "the stack $stack cannot be updated: its status is $status. Fix the reasons above, run deploy.sh --delete --stack-name $stack, and deploy again"
      ;;
    UPDATE_ROLLBACK_FAILED) fail "the stack $stack cannot be updated: its status is $status. Run: aws cloudformation continue-update-rollback --stack-name $stack --region $region" ;;
    REVIEW_IN_PROGRESS) ;;
    *_IN_PROGRESS) fail "the stack $stack is being changed: its status is $status. Wait, and run deploy.sh again" ;;
  esac
}

# Creates the bucket if it does not exist. Amazon S3 encrypts new buckets and blocks public access to them. An existing one
# must belong to this account: its owner can change the functions.
prepare_bucket() {
  bucket=${bucket:-soci-index-builder-$account-$region}
  if ask s3api get-bucket-location --bucket "$bucket" --expected-bucket-owner "$account"; then
    location=$(echo "$answer" | sed -e 's/^None$/us-east-1/' -e 's/^EU$/eu-west-1/')
    [ "$location" = "$region" ] || fail "the bucket $bucket is in $location, and Lambda reads code only from its own Region, $region. Use --region $location, or another --bucket"
    echo "Bucket $bucket exists."
    return
  fi
  case $problem in
    *NoSuchBucket*) ;;
    *AccessDenied*) fail "cannot use the bucket $bucket: it belongs to another account, or you may not read its location (s3:GetBucketLocation). Use another --bucket" ;;
    *) fail "cannot read the location of the bucket $bucket. $problem" ;;
  esac
  set -- --bucket "$bucket"
  [ "$region" = us-east-1 ] || set -- "$@" --create-bucket-configuration "LocationConstraint=$region"
  ask s3api create-bucket "$@" || fail "cannot create the bucket $bucket. $problem"
  echo "Bucket $bucket created."
}

deploy() {
  find_package
  check_parameters "$@"
  sign_in
  find_stack
  check_status
  prepare_bucket
  # The prefix names the content, so an object of the same size is the same object.
  aws s3 sync --size-only --no-progress "$zips" "s3://$bucket/${prefix}functions" --exclude '*' --include '*.zip' ||
    fail "cannot upload the zips to the bucket $bucket. You need s3:ListBucket and s3:PutObject"
  echo "Zips are in s3://$bucket/$prefix."
  aws cloudformation deploy --stack-name "$stack" --template-file "$template" --capabilities CAPABILITY_IAM \
    --no-fail-on-empty-changeset --parameter-overrides "QSS3BucketName=$bucket" "QSS3KeyPrefix=$prefix" "$@" ||
    fail_with_reasons "the stack $stack was not deployed. docs/deployment.md#troubleshooting has solutions for the reasons above"
  ask cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
  printf '\n%s\n' "$answer"
}

delete() {
  [ $# -eq 0 ] || fail '--delete takes no parameters' 2
  sign_in
  find_stack
  [ -n "$status" ] || { echo "Stack $stack does not exist in $region." && return; }
  echo "Deleting stack $stack in $region ..."
  ask cloudformation delete-stack --stack-name "$stack" || fail "cannot delete the stack $stack. $problem"
  ask cloudformation wait stack-delete-complete --stack-name "$stack" ||
    fail_with_reasons "the stack $stack was not deleted. Fix the reasons above, and run the command again"
  echo "Deleted. The bucket with the zips and the indexes of your images remain."
}

# Prints why resources failed in the last operation of the stack, and a message. The newest event is the first.
fail_with_reasons() {
  ask cloudformation describe-stack-events --stack-name "$stack" \
    --query 'StackEvents[].[LogicalResourceId, ResourceStatus, ResourceStatusReason]' || fail "$1"
  echo "$answer" | awk -F '\t' -v stack="$stack" '
    $2 ~ /FAILED$/ && $3 !~ /cancelled/ { reasons = "  " $1 ": " $3 "\n" reasons }
    $1 == stack && $2 ~ /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/ && $3 ~ /User Initiated/ { exit }
    END { printf "%s", reasons }' >&2
  fail "$1"
}

stack=soci bucket='' region='' action=deploy
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
# Options are removed from the arguments. Parameters remain.
left=$#
while [ "$left" -gt 0 ]; do
  case $1 in
    --stack-name | --bucket | --region | --profile)
      { [ "$left" -gt 1 ] && [ -n "$2" ]; } || fail "$1 needs a value. See --help" 2
      case $1 in
        --stack-name) stack=$2 ;;
        --bucket) bucket=$2 ;;
        --region) region=$2 ;;
        --profile) export AWS_PROFILE="$2" ;;
      esac
      shift && left=$((left - 1))
      ;;
    --delete) action=delete ;;
    --help) usage && exit ;;
    [A-Za-z]*=*) set -- "$@" "$1" ;;
    *) fail "unknown argument '$1'. See --help" 2 ;;
  esac
  shift && left=$((left - 1))
done
"$action" "$@"
