data "aws_availability_zones" "here" {
  state = "available"

  # Local zones have neither the cluster nor the broker.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(data.aws_availability_zones.here.names, 0, 3)

  # x.y.0.0/20 and two more for machines and pods, x.y.48.0/22 for the broker, x.y.52.0/22 for what faces the internet.
  node_subnets   = [for zone in range(3) : cidrsubnet(var.network, 4, zone)]
  broker_network = cidrsubnet(var.network, 6, 12)
  broker_subnets = [for zone in range(3) : cidrsubnet(local.broker_network, 2, zone)]
  public_subnets = [for zone in range(3) : cidrsubnet(cidrsubnet(var.network, 6, 13), 2, zone)]
}

module "network" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "6.6.0"

  name = var.name
  cidr = var.network
  azs  = local.zones

  private_subnets = local.node_subnets
  intra_subnets   = local.broker_subnets
  public_subnets  = local.public_subnets

  # One in each zone: the loss of a zone takes nobody else's way out with it.
  enable_nat_gateway     = true
  single_nat_gateway     = false
  one_nat_gateway_per_az = true

  enable_flow_log                                 = true
  create_flow_log_cloudwatch_log_group            = true
  create_flow_log_cloudwatch_iam_role             = true
  flow_log_cloudwatch_log_group_retention_in_days = 30

  # Where load balancers are put.
  public_subnet_tags  = { "kubernetes.io/role/elb" = "1" }
  private_subnet_tags = { "kubernetes.io/role/internal-elb" = "1" }
}
