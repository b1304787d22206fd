resource "aws_mq_configuration" "broker" {
  name           = var.name
  description    = "What the modules of ${var.name} expect of their broker."
  engine_type    = "RabbitMQ"
  engine_version = var.broker_version

  # Half an hour for an acknowledgement: every handler ends long before, by its own deadline.
  data = "consumer_timeout = 1800000\n"
}

resource "aws_mq_broker" "broker" {
  broker_name    = var.name
  engine_type    = "RabbitMQ"
  engine_version = var.broker_version
  # Amazon MQ chooses the patches of RabbitMQ 4.x itself, and does not take `false` for it.
  auto_minor_version_upgrade = true

  # Three nodes in three zones, as quorum queues want it.
  deployment_mode     = "CLUSTER_MULTI_AZ"
  host_instance_type  = var.broker_type
  subnet_ids          = module.network.intra_subnets
  security_groups     = [aws_security_group.broker.id]
  publicly_accessible = false

  configuration {
    id       = aws_mq_configuration.broker.id
    revision = aws_mq_configuration.broker.latest_revision
  }

  user {
    username = var.broker_administrator
    password = var.broker_password
  }

  logs {
    general = true
  }

  maintenance_window_start_time {
    day_of_week = "SUNDAY"
    time_of_day = "03:00"
    time_zone   = "UTC"
  }

  # Messages and accounts of the shop live in it.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_security_group" "broker" {
  name_prefix = "${var.name}-broker-"
  description = "The broker: AMQP over TLS, management and metrics, from the cluster and from nowhere else."
  vpc_id      = module.network.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "broker" {
  # A metrics port for each of the three nodes.
  for_each = {
    amqps      = { from = 5671, to = 5671 }
    management = { from = 443, to = 443 }
    metrics    = { from = 16001, to = 16003 }
  }

  security_group_id            = aws_security_group.broker.id
  referenced_security_group_id = module.cluster.node_security_group_id
  description                  = each.key
  ip_protocol                  = "tcp"
  from_port                    = each.value.from
  to_port                      = each.value.to
}
