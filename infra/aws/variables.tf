variable "region" {
  description = "Where everything is made, such as eu-central-1. It has to have three zones and Amazon MQ on mq.m7g."
  type        = string
}

variable "name" {
  description = "The name of the network, the cluster and the broker, and the first part of the images' names."
  type        = string
  default     = "shop"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "Use 2 to 21 of a-z, 0-9 and -, beginning with a letter."
  }
}

variable "network" {
  description = "The addresses of the network, a /16. The broker gets the /22 that begins at x.y.48.0, to which the network policies let the modules."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.network)) && endswith(var.network, "/16")
    error_message = "Give a /16, such as 10.20.0.0/16."
  }
}

variable "operators" {
  description = "The addresses from which the Kubernetes API may be called, such as [\"203.0.113.7/32\"]."
  type        = list(string)

  validation {
    condition     = length(var.operators) > 0 && alltrue([for cidr in var.operators : can(cidrnetmask(cidr)) && cidr != "0.0.0.0/0"])
    error_message = "Give at least one range, and not the whole internet."
  }
}

variable "kubernetes_version" {
  description = "The minor version of Kubernetes."
  type        = string
  default     = "1.35"
}

variable "node_types" {
  description = "The machines of the cluster. The images are built for x86-64."
  type        = list(string)
  default     = ["m7i.large"]
}

variable "node_count" {
  description = "How many machines the cluster has at least and at most. It begins with the least; three have one in each zone."
  type        = object({ least = number, most = number })
  default     = { least = 3, most = 6 }

  validation {
    condition     = var.node_count.least >= 3 && var.node_count.most >= var.node_count.least
    error_message = "Take three at least, one in each zone, and not more than `most`."
  }
}

variable "broker_version" {
  description = "RabbitMQ's version as Amazon MQ names it, major and minor. Only 4.x has quorum queues by default and Prometheus metrics."
  type        = string
  default     = "4.2"

  validation {
    condition     = can(regex("^4\\.[0-9]+$", var.broker_version))
    error_message = "Give a 4.x version without a patch, such as 4.2: Amazon MQ chooses the patch."
  }
}

variable "broker_type" {
  description = "The machines of the broker's three nodes. RabbitMQ 4.x runs on mq.m7g only."
  type        = string
  default     = "mq.m7g.large"

  validation {
    condition     = startswith(var.broker_type, "mq.m7g.")
    error_message = "RabbitMQ 4.x runs on mq.m7g only."
  }
}

variable "broker_administrator" {
  description = "The broker's first user, who makes all others. A change makes a new broker, without the messages of the old one."
  type        = string
  default     = "operator"
}

variable "broker_password" {
  description = "The administrator's password. Give it as TF_VAR_broker_password: 12 to 250 characters without , : or =. It stands in the state."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[^,:=]{12,250}$", var.broker_password))
    error_message = "Amazon MQ takes 12 to 250 characters, and no , : or =."
  }
}

variable "modules" {
  description = "The modules of the shop, each with an image of its own."
  type        = set(string)
  default     = ["analytics", "inventory", "notifications", "orders", "payments", "shipping", "shoppers", "storefront"]
}

variable "image_tag" {
  description = "Which images the cluster runs. A tag is never moved: a new build has a new one."
  type        = string
}
